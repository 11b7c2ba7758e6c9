-- One row per source and message at respond.io: listed by its API, or told by a webhook and not listed yet.
with events as (
    {{ respond_io_events() }}
),

opened as (
    {{ respond_io_conversations('events') }}
),

known as (
    {{ respond_io_messages('events') }}
),

placed as (
    {{ respond_io_within('known', 'sent_at', 'message_id', 'opened') }}
),

states as (select * from {{ ref('respond_io_states') }}),

messages as (
    select
        placed.message_id,
        placed.contact_id as contact_ref,
        'contact_id' as contact_ref_type,
        channel.meaning as channel,
        case placed.traffic when 'incoming' then 'inbound' when 'outgoing' then 'outbound' end as direction,
        placed.broadcast_id as campaign_id,
        placed.workflow_id as automation_id,
        cast(null as {{ dbt.type_string() }}) as variant_id,
        placed.conversation_id,
        case placed.traffic when 'outgoing' then sent_by.meaning end as sent_by,
        placed.sent_at,
        placed.source_name,
        placed.brand,
        placed.loaded_at
    from placed
    left join states as channel on channel.topic = 'channel' and channel.vendor_state = placed.channel_source
    left join states as sent_by on sent_by.topic = 'sent_by' and sent_by.vendor_state = placed.sender
)

select * from messages
