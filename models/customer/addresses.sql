-- One row per person: the e-mail address and phone number to reach them by. The newest wins; of equally new ones the CRM's.
with evidence as (select * from {{ ref('evidence') }} where usable_email is not null or usable_phone is not null),

identity_map as (select * from {{ ref('identity_map') }}),

ranked as (
    select
        identity_map.customer_id, evidence.usable_email, evidence.usable_phone,
        {{ newest_first('evidence.seen_at', 'evidence.record_type', 'evidence.source_name', 'evidence.record_id') }}
        || '/' || coalesce(evidence.usable_email, '') || '/' || coalesce(evidence.usable_phone, '') as rank_key
    from evidence
    inner join identity_map
        on evidence.source_name = identity_map.source_name
        and evidence.record_type = identity_map.record_type
        and evidence.record_id = identity_map.record_id
),

reached as (
    select
        customer_id,
        max_by(usable_email, rank_key) filter (where usable_email is not null) as email,
        max_by(usable_phone, rank_key) filter (where usable_phone is not null) as phone
    from ranked
    group by customer_id
)

select * from reached
