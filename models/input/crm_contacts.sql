-- One row per source and contact of a CRM, as known before as_of.
with delivered as ({{ delivered('crm_contacts') }}),

known as (
    select
        contact_id,
        email,
        phone,
        first_name,
        last_name,
        company,
        country,
        lead_source,
        lead_campaign,
        lifecycle_stage,
        owner_id,
        birth_on,
        created_at,
        updated_at,
        {{ real_id('merged_into_id') }} as merged_into_id,
        street,
        city,
        postcode,
        source_name,
        brand,
        loaded_at
    from delivered
    where created_at < {{ as_of() }} or created_at is null
)

select * from known
