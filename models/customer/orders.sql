-- One row per valid order, whoever placed it; customer_id is null where nothing tells who that was.
with valid_orders as (select * from {{ ref('valid_orders') }}),

refunds as (select * from {{ ref('shop_refunds') }}),

identity_map as (select * from {{ ref('identity_map') }}),

rates as (select * from {{ ref('rates') }}),

refunded as (
    select source_name, order_id, sum(amount) as refunded_amount
    from refunds
    where order_id is not null
    group by source_name, order_id
),

orders as (
    select
        valid_orders.order_id, valid_orders.source_name, valid_orders.brand, identity_map.customer_id,
        valid_orders.ordered_at, valid_orders.ordered_on, valid_orders.currency,
        cast(valid_orders.revenue_amount as decimal(18, 4)) as revenue_amount,
        cast(valid_orders.gross_amount as decimal(18, 4)) as gross_amount,
        cast(coalesce(refunded.refunded_amount, 0) as decimal(18, 4)) as refunded_amount,
        cast({{ in_business_currency('valid_orders.revenue_amount', 'valid_orders.currency', 'rates.rate') }} as decimal(18, 4)) as business_revenue_amount,
        cast({{ in_business_currency('valid_orders.gross_amount', 'valid_orders.currency', 'rates.rate') }} as decimal(18, 4)) as business_gross_amount
    from valid_orders
    left join identity_map
        on valid_orders.source_name = identity_map.source_name
        and valid_orders.record_type = identity_map.record_type
        and valid_orders.record_id = identity_map.record_id
    left join refunded on valid_orders.source_name = refunded.source_name and valid_orders.order_id = refunded.order_id
    left join rates on valid_orders.currency = rates.currency and valid_orders.ordered_on = rates.on_date
)

select * from orders
