-- One row per source and event of a message that Klaviyo sent: the version that counts.
with events as (
    {{ klaviyo_events() }}
),

metrics as (
    {{ current_rows('metrics', key=['metric_id'], kind='klaviyo') }}
),

states as (select * from {{ ref('klaviyo_states') }}),

message_events as (
    select
        events.event_id,
        events.first_send_id as message_id,
        states.meaning as event_type,
        events.occurred_at,
        events.is_machine,
        events.url,
        events.source_name,
        events.brand,
        events.loaded_at
    from events
    inner join metrics on events.source_name = metrics.source_name and events.metric_id = metrics.metric_id
    inner join states on states.topic = 'metric' and states.vendor_state = metrics.name
    where
        events.first_send_id is not null
        and states.meaning not in ('subscribed', 'inbound', 'dropped')
        -- a soft bounce passes, and a bounce here ends every permission
        and not (states.meaning = 'bounced' and lower(coalesce(events.bounce_type, '')) like '%soft%')
)

select * from message_events
