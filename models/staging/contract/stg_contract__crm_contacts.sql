-- One row per source and contact of a CRM: the version that counts.
with landed as (
    {{ current_rows('crm_contacts', key=['contact_id']) }}
),

crm_contacts as (
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
        merged_into_id,
        street,
        city,
        postcode,
        source_name,
        brand,
        loaded_at
    from landed
)

select * from crm_contacts
