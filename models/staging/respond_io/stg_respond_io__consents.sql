-- One row per source, contact and channel that a custom field or a tag at respond.io says something about: as it stands.
with contacts as (
    {{ current_rows('contacts', key=['contact_id'], kind='respond_io') }}
),

fields as (
    {{ current_rows('contact_fields', key=['contact_id', 'name'], parent_key=['contact_id'], kind='respond_io') }}
),

states as (select * from {{ ref('respond_io_states') }}),

in_fields as (
    select
        fields.source_name,
        fields.contact_id,
        meant.meaning as channel,
        replace(meant.topic, 'consent_', '') as purpose,
        said.meaning as status,
        try_cast(dated.value as timestamp) as said_at,
        'custom field ' || fields.name as evidence
    from fields
    inner join states as meant on meant.topic in ('consent_marketing', 'consent_transactional') and meant.vendor_state = fields.name
    inner join states as said on said.topic = 'consent' and said.vendor_state = lower(trim(fields.value))
    -- a contact whose last field was taken away came without any line
    inner join contacts
        on contacts.source_name = fields.source_name and contacts.contact_id = fields.contact_id
        and contacts.custom_fields like '%"' || fields.name || '"%'
    left join fields as dated
        on dated.source_name = fields.source_name and dated.contact_id = fields.contact_id and dated.name = fields.name || '_at'
),

in_tags as (
    select
        contacts.source_name,
        contacts.contact_id,
        states.meaning as channel,
        'marketing' as purpose,
        'denied' as status,
        cast(null as timestamp) as said_at,
        'tag ' || states.vendor_state as evidence
    from contacts
    inner join states on states.topic = 'opt_out_tag' and contacts.tags like '%"' || states.vendor_state || '"%'
),

said as (
    select * from in_fields
    union all
    select * from in_tags
),

consents as (
    select
        contacts.contact_id as contact_ref,
        'contact_id' as contact_ref_type,
        said.channel,
        said.purpose,
        said.status,
        -- without a time of its own a permission counts from the earliest time known, a refusal from the latest
        case
            when said.said_at is not null then said.said_at
            when said.status = 'granted' then coalesce(contacts.created_at, contacts.loaded_at)
            else contacts.loaded_at
        end as changed_at,
        cast(null as {{ dbt.type_string() }}) as jurisdiction,
        said.evidence,
        contacts.source_name,
        contacts.brand,
        contacts.loaded_at
    from said
    inner join contacts on contacts.source_name = said.source_name and contacts.contact_id = said.contact_id
    -- a refusal outlives its contact: another that it was merged into must not be written to either
    where said.status = 'denied' or not coalesce(contacts.is_deleted, false)
)

select * from consents
