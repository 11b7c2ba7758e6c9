-- One row per source and profile of a Klaviyo account that was not deleted or merged away: the version that counts.
with landed as (
    {{ current_rows('profiles', key=['profile_id'], kind='klaviyo') }}
),

crm_contacts as (
    select
        profile_id as contact_id,
        email,
        phone,
        first_name,
        last_name,
        organization as company,
        country,
        cast(null as {{ dbt.type_string() }}) as lead_source,
        cast(null as {{ dbt.type_string() }}) as lead_campaign,
        cast(null as {{ dbt.type_string() }}) as lifecycle_stage,
        cast(null as {{ dbt.type_string() }}) as owner_id,
        cast(null as date) as birth_on,
        created_at,
        updated_at,
        cast(null as {{ dbt.type_string() }}) as merged_into_id,
        cast(null as {{ dbt.type_string() }}) as street,
        cast(null as {{ dbt.type_string() }}) as city,
        cast(null as {{ dbt.type_string() }}) as postcode,
        source_name,
        brand,
        loaded_at
    from landed
    where not coalesce(is_deleted, false)
)

select * from crm_contacts
