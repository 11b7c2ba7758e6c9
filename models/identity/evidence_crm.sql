-- One row per CRM contact and the address it bore, with the first time it was seen and the last time it was used.
with contacts as (select * from {{ ref('crm_contacts') }}),

deals as (select * from {{ ref('crm_deals') }}),

stage_changes as (select * from {{ ref('crm_stage_changes') }}),

sightings as (
    select source_name, contact_id, email, phone, country, created_at as seen_at, loaded_at, coalesce(updated_at, created_at) as used_at
    from contacts
    union all
    select source_name, contact_id, null, null, null, created_at, loaded_at, created_at
    from deals
    where contact_id is not null
    union all
    select source_name, contact_id, null, null, null, changed_at, loaded_at, changed_at
    from stage_changes
),

per_address as (
    select
        source_name, 'crm_contact' as record_type, contact_id as record_id,
        email, phone, country, min(seen_at) as seen_at, min(loaded_at) as loaded_at, max(used_at) as used_at
    from sightings
    group by source_name, contact_id, email, phone, country
)

select * from per_address
