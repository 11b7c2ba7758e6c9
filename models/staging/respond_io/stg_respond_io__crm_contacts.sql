-- One row per source and contact of a respond.io workspace, as it stands; a merged one names the contact it went into.
with contacts as (
    {{ current_rows('contacts', key=['contact_id'], kind='respond_io') }}
),

messages as (
    {{ current_rows('messages', key=['message_id'], kind='respond_io') }}
),

-- respond.io tells nobody of a merge: it shows in messages that are another contact's now
moved as (
    select before.source_name, before.contact_id, min(messages.contact_id) as into_contact_id
    from {{ source('respond_io', 'messages') }} as before
    inner join messages
        on messages.source_name = before.source_name and messages.message_id = before.message_id and messages.contact_id <> before.contact_id
    group by before.source_name, before.contact_id
),

crm_contacts as (
    select
        contacts.contact_id,
        contacts.email,
        contacts.phone,
        contacts.first_name,
        contacts.last_name,
        cast(null as {{ dbt.type_string() }}) as company,
        contacts.country,
        cast(null as {{ dbt.type_string() }}) as lead_source,
        cast(null as {{ dbt.type_string() }}) as lead_campaign,
        contacts.lifecycle as lifecycle_stage,
        contacts.assignee_id as owner_id,
        cast(null as date) as birth_on,
        contacts.created_at,
        cast(null as timestamp) as updated_at,
        case when contacts.is_deleted then moved.into_contact_id end as merged_into_id,
        cast(null as {{ dbt.type_string() }}) as street,
        cast(null as {{ dbt.type_string() }}) as city,
        cast(null as {{ dbt.type_string() }}) as postcode,
        contacts.source_name,
        contacts.brand,
        contacts.loaded_at
    from contacts
    left join moved on moved.source_name = contacts.source_name and moved.contact_id = contacts.contact_id
    where not coalesce(contacts.is_deleted, false) or moved.into_contact_id is not null
)

select * from crm_contacts
