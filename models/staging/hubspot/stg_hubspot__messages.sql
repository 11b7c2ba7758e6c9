-- One row per source and call, e-mail, text message or chat message that was logged on a HubSpot record and took place.
with calls as (
    {{ current_rows('calls', key=['engagement_id'], kind='hubspot') }}
),

emails as (
    {{ current_rows('emails', key=['engagement_id'], kind='hubspot') }}
),

communications as (
    {{ current_rows('communications', key=['engagement_id'], kind='hubspot') }}
),

states as (select * from {{ ref('hubspot_states') }}),

logged as (
    select
        'call-' || engagement_id as message_id, 'CALL' as channel_type, contact_id, direction, status, object_source,
        happened_at, created_at, is_deleted, source_name, brand, loaded_at
    from calls
    union all
    select
        'email-' || engagement_id, 'EMAIL', contact_id, direction, status, object_source,
        happened_at, created_at, is_deleted, source_name, brand, loaded_at
    from emails
    union all
    select
        'communication-' || engagement_id, channel_type, contact_id, direction, status, object_source,
        happened_at, created_at, is_deleted, source_name, brand, loaded_at
    from communications
),

messages as (
    select
        message_id,
        contact_id as contact_ref,
        'contact_id' as contact_ref_type,
        channels.meaning as channel,
        directions.meaning as direction,
        cast(null as {{ dbt.type_string() }}) as campaign_id,
        cast(null as {{ dbt.type_string() }}) as automation_id,
        cast(null as {{ dbt.type_string() }}) as variant_id,
        cast(null as {{ dbt.type_string() }}) as conversation_id,
        case
            when directions.meaning is null or directions.meaning <> 'outbound' then null
            when changed.meaning = 'agent' then 'bot'
            when changed.meaning = 'rule' then 'automation'
            else 'human'
        end as sent_by,
        coalesce(happened_at, created_at) as sent_at,
        source_name,
        brand,
        loaded_at
    from logged
    left join states as channels on channels.topic = 'channel' and logged.channel_type = channels.vendor_state
    left join states as directions on directions.topic = 'direction' and logged.direction = directions.vendor_state
    left join states as changed on changed.topic = 'changed_by' and logged.object_source = changed.vendor_state
    left join states as took_place on took_place.topic = 'took_place' and logged.status = took_place.vendor_state
    -- drafts, scheduled and failed ones reached nobody
    where
        not coalesce(logged.is_deleted, false)
        and (logged.status is null or took_place.meaning is not null)
        and (logged.direction is null or directions.meaning is not null)
)

select * from messages
