-- One row per source, message sent through respond.io and what came of it: delivered, read, failed.
with statuses as (
    {{ current_rows('message_statuses', key=['message_id', 'status', 'changed_at'], parent_key=['message_id'], kind='respond_io') }}
),

states as (select * from {{ ref('respond_io_states') }}),

message_events as (
    select
        statuses.message_id || ':' || statuses.status as event_id,
        statuses.message_id,
        states.meaning as event_type,
        min(statuses.changed_at) as occurred_at,
        -- a chat application marks a message as read when a person opens it
        false as is_machine,
        cast(null as {{ dbt.type_string() }}) as url,
        statuses.source_name,
        max(statuses.brand) as brand,
        max(statuses.loaded_at) as loaded_at
    from statuses
    inner join states on states.topic = 'message_event' and states.vendor_state = statuses.status
    group by statuses.source_name, statuses.message_id, statuses.status, states.meaning
)

select * from message_events
