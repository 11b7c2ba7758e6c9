-- One row per person: the customer 360 without anything that names or reaches them, for wide BI access.
with customers as (select * from {{ ref('customers') }}),

masked as (
    select
        customer_id, country, first_seen_at, first_order_at, last_order_at, orders_count, revenue_amount, refunded_amount,
        net_revenue_amount, aov_amount, currency, days_since_last_order, lifecycle_stage, rfm_segment, sources
    from customers
)

select * from masked
