-- One row per refund that counts: of a valid order, or of no order at all.
with delivered as (select * from {{ ref('shop_refunds') }}),

orders as (select * from {{ ref('orders') }}),

identity_map as (select * from {{ ref('identity_map') }}),

rates as (select * from {{ ref('rates') }}),

counted as (
    select
        delivered.source_name, delivered.refund_id, delivered.brand, delivered.order_id, delivered.refunded_at, delivered.amount,
        {{ local_date('delivered.refunded_at') }} as refunded_on,
        coalesce(delivered.currency, orders.currency) as currency,
        -- the refund of an order belongs to whoever placed it
        case when delivered.order_id is null then identity_map.customer_id else orders.customer_id end as customer_id
    from delivered
    left join orders on delivered.source_name = orders.source_name and delivered.order_id = orders.order_id
    left join identity_map
        on delivered.source_name = identity_map.source_name
        and identity_map.record_type = 'shop_customer'
        and delivered.customer_id = identity_map.record_id
    where delivered.order_id is null or orders.order_id is not null
),

converted as (
    select
        counted.source_name, counted.refund_id, counted.brand, counted.order_id, counted.customer_id,
        counted.refunded_at, counted.refunded_on, counted.currency, counted.amount,
        cast({{ in_business_currency('counted.amount', 'counted.currency', 'rates.rate') }} as decimal(18, 4)) as business_amount
    from counted
    left join rates on counted.currency = rates.currency and counted.refunded_on = rates.on_date
)

select * from converted
