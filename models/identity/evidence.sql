-- One row per record and address it bore, as delivered and as compared; an address that identifies nobody is null in usable_*.
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
        seen_at, loaded_at, used_at
    from {{ ref('contact_refs') }}
),

email_addresses as (select * from {{ ref('email_addresses') }}),

phone_numbers as (select * from {{ ref('phone_numbers') }}),

sources as (select * from {{ ref('sources') }}),

normalised as (
    select
        delivered.*,
        {{ normalised_email('delivered.email', 'email_addresses.normalised') }} as address,
        phone_numbers.e164, phone_numbers.has_extension
    from delivered
    left join sources on delivered.source_name = sources.source_name
    left join email_addresses on delivered.email = email_addresses.email
    left join phone_numbers
        on delivered.phone = phone_numbers.phone
        and coalesce(delivered.country, sources.country, '') = phone_numbers.country
),

compared as (
    select
        source_name, record_type, record_id, email, phone, country,
        {{ compared_email('email', 'address') }} as compared_email,
        {{ compared_phone('phone', 'e164') }} as compared_phone,
        case when not {{ email_placeholder('address') }} then address end as usable_email,
        -- behind a switchboard a whole office has one number
        case when not coalesce(has_extension, false) then {{ usable_phone('phone', 'e164') }} end as usable_phone,
        seen_at, loaded_at, used_at
    from normalised
)

select * from compared
