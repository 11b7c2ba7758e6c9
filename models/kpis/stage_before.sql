{{ config(materialized='view') }}
-- One row per valid order or counted refund: the day, the amounts, and the stage its person held immediately before it.
with orders as (select * from {{ ref('orders') }}),

customer_orders as (select * from {{ ref('customer_orders') }}),

refunds as (select * from {{ ref('refunds') }}),

stays as (select * from {{ ref('stage_history') }} where stage_model = 'five_stage'),

events as (
    select
        'order:' || source_name || ':' || order_id as event_id, customer_id, ordered_at as occurred_at, ordered_on as occurred_on, 1 as orders_count,
        case when is_reactivation then 1 else 0 end as reactivated_orders_count,
        business_revenue_amount as revenue_amount, business_gross_amount as gross_amount, 0 as refunded_amount
    from customer_orders
    union all
    select 'order:' || source_name || ':' || order_id, customer_id, ordered_at, ordered_on, 1, 0, business_revenue_amount, business_gross_amount, 0
    from orders
    where customer_id is null
    union all
    select 'refund:' || source_name || ':' || refund_id, customer_id, refunded_at, refunded_on, 0, 0, 0, 0, business_amount
    from refunds
),

stage_before as (
    select
        events.event_id, events.customer_id, events.occurred_at, events.occurred_on, events.orders_count, events.reactivated_orders_count,
        cast(events.revenue_amount as decimal(18, 4)) as revenue_amount,
        cast(events.gross_amount as decimal(18, 4)) as gross_amount,
        cast(events.refunded_amount as decimal(18, 4)) as refunded_amount,
        case when events.customer_id is null then '(unknown)' else coalesce(stays.stage, '(none)') end as stage
    from events
    left join stays
        on events.customer_id = stays.customer_id
        and stays.valid_from < events.occurred_at
        and (stays.valid_to is null or events.occurred_at <= stays.valid_to)
)

select * from stage_before
