-- One row per valid order: a status that counts and, where its source delivers lines at all, a line that counts.
with orders as (
    select * from {{ ref('shop_orders') }} where status not in ('pending', 'cancelled', 'failed', 'test')
),

revenue as (select * from {{ ref('order_revenue') }}),

line_sources as (select * from {{ ref('line_sources') }}),

valid as (
    select
        orders.source_name, orders.order_id, orders.brand, orders.ordered_at, orders.currency,
        {{ local_date('orders.ordered_at') }} as ordered_on,
        {{ order_record_type('orders.customer_id') }} as record_type,
        coalesce(orders.customer_id, orders.order_id) as record_id,
        coalesce(revenue.revenue_amount, orders.subtotal_amount, orders.total_amount, 0) as revenue_amount,
        coalesce(orders.total_amount, revenue.revenue_amount, orders.subtotal_amount, 0) as gross_amount
    from orders
    left join revenue on orders.source_name = revenue.source_name and orders.order_id = revenue.order_id
    left join line_sources on orders.source_name = line_sources.source_name
    where revenue.order_id is not null or line_sources.source_name is null
)

select * from valid
