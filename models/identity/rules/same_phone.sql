-- One row per record that shares a usable phone number with an earlier-numbered record.
with bearers as (select node, identifier from {{ ref('identifiers') }} where identifier_type = 'phone'),

stars as ({{ star_links('bearers') }})

select * from stars
