-- One row per source and event of a message: the version that counts.
with landed as (
    {{ current_rows('message_events', key=['event_id']) }}
),

message_events as (
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
    from landed
)

select * from message_events
