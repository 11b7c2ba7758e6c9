-- One row per event of a person, from every source.
with events as (
    select * from {{ ref('timeline_shop') }}
    union all
    select * from {{ ref('timeline_crm') }}
    union all
    select * from {{ ref('timeline_messages') }}
),

typed as (
    select
        customer_id, occurred_at, event_type, channel, source_name, source_id,
        cast(amount as decimal(18, 4)) as amount, brand
    from events
    where occurred_at is not null
)

select * from typed
