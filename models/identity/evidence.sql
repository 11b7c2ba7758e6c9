-- One row per record and address it bore, as delivered and as compared; an address that identifies nobody is null.
with delivered as (
    select * from {{ ref('evidence_shop') }}
    union all
    select * from {{ ref('evidence_crm') }}
    union all
    select
        source_name, record_type, record_id,
        case when contact_ref_type = 'email' then contact_ref end as email,
        case when contact_ref_type = 'phone' then contact_ref end as phone,
        null as country,
        seen_at, loaded_at
    from {{ ref('contact_refs') }}
),

phone_numbers as (select * from {{ ref('phone_numbers') }}),

sources as (select * from {{ ref('sources') }}),

compared as (
    select
        delivered.source_name, delivered.record_type, delivered.record_id, delivered.email, delivered.phone, delivered.country,
        {{ usable_email('delivered.email') }} as usable_email,
        {{ usable_phone('delivered.phone', 'phone_numbers.e164') }} as usable_phone,
        delivered.seen_at, delivered.loaded_at
    from delivered
    left join sources on delivered.source_name = sources.source_name
    left join phone_numbers
        on delivered.phone = phone_numbers.phone
        and coalesce(delivered.country, sources.country, '') = phone_numbers.country
)

select * from compared
