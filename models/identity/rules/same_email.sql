-- One row per record that shares a usable e-mail address with an earlier-numbered record.
with bearers as (select node, identifier from {{ ref('identifiers') }} where identifier_type = 'email'),

stars as ({{ star_links('bearers') }})

select * from stars
