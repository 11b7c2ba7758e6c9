-- One row per source and event of a message, as known before as_of.
with delivered as (select * from {{ ref('stg_contract__message_events') }}),

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
    from delivered
    where occurred_at < {{ as_of() }}
)

select * from known
