{{ config(materialized='view') }}
-- One row per event of a person, from every source.
with orders as (select * from {{ ref('orders') }} where customer_id is not null),

refunds as (select * from {{ ref('refunds') }} where customer_id is not null),

events as (
    select customer_id, ordered_at as occurred_at, 'order' as event_type, null as channel, source_name, order_id as source_id, revenue_amount as amount, brand
    from orders
    union all
    select customer_id, refunded_at, 'refund', null, source_name, refund_id, amount, brand
    from refunds
    where refunded_at is not null
    union all
    select customer_id, occurred_at, event_type, channel, source_name, source_id, amount, brand from {{ ref('timeline_others') }}
    union all
    select customer_id, occurred_at, event_type, channel, source_name, source_id, null, brand from {{ ref('timeline_messages') }}
),

typed as (
    select
        customer_id, occurred_at, event_type, cast(channel as {{ dbt.type_string() }}) as channel, source_name, source_id,
        cast(amount as decimal(18, 4)) as amount, brand
    from events
)

select * from typed
