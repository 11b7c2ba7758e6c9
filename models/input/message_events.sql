-- One row per source and event of a message, as known before as_of.
with delivered as ({{ delivered('message_events') }}),

-- a withdrawal dated after its own delivery holds from its delivery on: a wrong clock must not delay it
dated as (
    select
        event_id, message_id, event_type,
        case when event_type in ('unsubscribed', 'complained', 'bounced') then least(occurred_at, loaded_at) else occurred_at end as occurred_at,
        is_machine, url, source_name, brand, loaded_at
    from delivered
),

known as (
    select
        event_id,
        message_id,
        event_type,
        occurred_at,
        is_machine,
        url,
        source_name,
        brand,
        loaded_at
    from dated
    where occurred_at < {{ as_of() }}
)

select * from known
