-- One row per record that shares a usable phone number with an earlier-numbered record.
with bearers as (
    select distinct records.node, evidence.usable_phone as identifier
    from {{ ref('evidence') }} as evidence
    inner join {{ ref('records') }} as records
        on evidence.source_name = records.source_name
        and evidence.record_type = records.record_type
        and evidence.record_id = records.record_id
    where evidence.usable_phone is not null
),

stars as ({{ star_links('bearers') }})

select * from stars
