-- One row per source and contact of a HubSpot account: the version that counts. Contacts merged away stand, or stand again, beside their winner.
with landed as (
    {{ current_rows('contacts', key=['contact_id'], kind='hubspot') }}
),

merges as (
    {{ current_rows('contact_merges', key=['merged_id'], kind='hubspot') }}
),

stages as (
    {{ current_rows('lifecycle_stages', key=['stage_id'], kind='hubspot') }}
),

states as (select * from {{ ref('hubspot_states') }}),

-- a merge takes the loser out of HubSpot's lists; without a row of its own nobody would know where its id went
standing as (
    select
        landed.contact_id, merges.contact_id as merged_into_id, email, coalesce(phone, mobile_phone) as phone, first_name, last_name, company,
        coalesce(country_code, country) as country, analytics_source, analytics_detail_1, analytics_detail_2, lead_source, lead_campaign,
        lifecycle_stage, owner_id, birth_date, created_at, landed.updated_at, landed.source_name, landed.brand, landed.loaded_at
    from landed
    left join merges on landed.source_name = merges.source_name and landed.contact_id = merges.merged_id
    where not coalesce(landed.is_deleted, false) or merges.merged_id is not null
    union all
    select
        merges.merged_id, merges.contact_id, null, null, null, null, null,
        null, null, null, null, null, null,
        null, null, null, null, merges.updated_at, merges.source_name, merges.brand, merges.loaded_at
    from merges
    left join landed on merges.source_name = landed.source_name and merges.merged_id = landed.contact_id
    where landed.contact_id is null
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
        -- what a person wrote into a property of their own comes before what HubSpot made of the first visit
        coalesce(
            lead_source,
            offline.meaning,
            came_from.meaning,
            lower(analytics_source)
        ) as lead_source,
        -- which detail holds the campaign depends on the source
        coalesce(
            lead_campaign,
            case
                when analytics_source = 'PAID_SOCIAL' then analytics_detail_2
                when analytics_source in ('PAID_SEARCH', 'EMAIL_MARKETING', 'OTHER_CAMPAIGNS') then analytics_detail_1
            end
        ) as lead_campaign,
        coalesce(named.meaning, stages.label, lifecycle_stage) as lifecycle_stage,
        owner_id,
        try_cast(birth_date as date) as birth_on,
        created_at,
        updated_at,
        merged_into_id,
        cast(null as {{ dbt.type_string() }}) as street,
        cast(null as {{ dbt.type_string() }}) as city,
        cast(null as {{ dbt.type_string() }}) as postcode,
        standing.source_name,
        standing.brand,
        standing.loaded_at
    from standing
    left join states as came_from on came_from.topic = 'lead_source' and standing.analytics_source = came_from.vendor_state
    left join states as offline
        on
            offline.topic = 'offline_source'
            and standing.analytics_source = 'OFFLINE' and standing.analytics_detail_1 = offline.vendor_state
    left join states as named on named.topic = 'lifecycle_stage' and standing.lifecycle_stage = named.vendor_state
    left join stages on standing.source_name = stages.source_name and standing.lifecycle_stage = stages.stage_id
)

select * from crm_contacts
