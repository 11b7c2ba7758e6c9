-- One row per source, address, channel, time and answer that Omnisend knows: the state of each channel, and every yes there was before it.
with contacts as (
    {{ current_rows('contacts', key=['contact_id'], kind='omnisend') }}
),

channels as (
    {{ current_rows('contact_channels', key=['contact_id', 'identifier', 'channel'], parent_key=['contact_id'], kind='omnisend') }}
),

yeses as (
    {{ current_rows('contact_consents', key=['contact_id', 'channel', 'kind', 'stated_at'], parent_key=['contact_id'], kind='omnisend') }}
),

states as (select * from {{ ref('omnisend_states') }} where topic = 'consent'),

-- what a contact lost bears the time of an earlier version
newest as (
    select source_name, contact_id, max(updated_at) as updated_at from channels group by source_name, contact_id
),

standing as (
    select channels.*, states.meaning
    from channels
    inner join newest
        on newest.source_name = channels.source_name
        and newest.contact_id = channels.contact_id
        and newest.updated_at = channels.updated_at
    left join states on states.vendor_state = channels.status
    where channels.identifier_type in ('email', 'phone')
),

answered as (
    select
        contact_id, identifier, identifier_type, channel, meaning as status,
        -- without a time of its own a permission counts from never, a refusal from the contact's last change
        case when meaning = 'denied' then coalesce(changed_at, updated_at) else changed_at end as changed_at,
        'status ' || status as state, cast(null as {{ dbt.type_string() }}) as consent_source, source_name, brand, loaded_at
    from standing
    where meaning is not null
),

-- a yes that the state does not bear out is none: one given or imported after a refusal that still stands
given_before as (
    select
        standing.contact_id, standing.identifier, standing.identifier_type, standing.channel, 'granted' as status, yeses.stated_at as changed_at,
        yeses.kind as state, yeses.consent_source, standing.source_name, standing.brand, yeses.loaded_at
    from yeses
    inner join newest
        on newest.source_name = yeses.source_name
        and newest.contact_id = yeses.contact_id
        and newest.updated_at = yeses.updated_at
    inner join standing
        on standing.source_name = yeses.source_name
        and standing.contact_id = yeses.contact_id
        and standing.channel = yeses.channel
    where standing.meaning = 'granted' or (standing.meaning = 'denied' and yeses.stated_at < standing.changed_at)
),

stated as (
    select * from answered
    union all
    select * from given_before
),

consents as (
    select
        stated.identifier as contact_ref,
        stated.identifier_type as contact_ref_type,
        stated.channel,
        'marketing' as purpose,
        stated.status,
        stated.changed_at,
        cast(null as {{ dbt.type_string() }}) as jurisdiction,
        coalesce(min(stated.consent_source), min(stated.state)) as evidence,
        stated.source_name,
        stated.brand,
        min(stated.loaded_at) as loaded_at
    from stated
    left join contacts
        on contacts.source_name = stated.source_name
        and contacts.contact_id = stated.contact_id
    -- a deletion takes a permission away, never a refusal
    where stated.changed_at is not null and (stated.status = 'denied' or not coalesce(contacts.is_deleted, false))
    group by
        stated.identifier, stated.identifier_type, stated.channel, stated.status, stated.changed_at, stated.source_name, stated.brand
)

select * from consents
