-- One row per person: the e-mail address and phone number to reach them by. The newest wins; of equally new ones the CRM's.
with identifiers as (select * from {{ ref('customer_identifiers') }}),

ranked as (
    select
        customer_id, email, phone,
        {{ newest_first('first_seen_at', 'record_type', 'source_name', 'record_id') }} as rank_key
    from identifiers
    where email is not null or phone is not null
),

reached as (
    select
        customer_id,
        max_by(email, rank_key) filter (where email is not null) as email,
        max_by(phone, rank_key) filter (where phone is not null) as phone
    from ranked
    group by customer_id
)

select * from reached
