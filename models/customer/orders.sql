{{ config(pre_hook="{{ joins_as_written() }}", post_hook="{{ joins_as_planned() }}") }}
-- One row per valid order, whoever placed it; customer_id is null where nothing tells who that was.
with delivered as (
    select * from {{ ref('shop_orders') }} where status not in ('pending', 'cancelled', 'failed', 'test')
),

lines as (select * from {{ ref('shop_order_lines') }}),

line_sources as (select * from {{ ref('line_sources') }}),

delivered_refunds as (select * from {{ ref('shop_refunds') }}),

identity_map as (select * from {{ ref('identity_map') }} where record_type in ('shop_customer', 'guest_order')),

rates as (select * from {{ ref('rates') }}),

-- before tax, shipping and refunds; two plain sums, because a difference in each row costs twice as much
line_revenue as (
    select
        source_name, order_id,
        cast(sum(quantity * unit_price_amount) - coalesce(sum(discount_amount), 0) as decimal(18, 4)) as revenue_amount,
        cast(sum(quantity) as decimal(18, 4)) as items_count
    from lines
    where quantity > 0 and unit_price_amount > 0
    group by source_name, order_id
),

-- an order needs a line that counts, except where its source delivers no lines at all
valid as (
    select
        delivered.source_name, delivered.order_id, delivered.brand, delivered.ordered_at, delivered.currency,
        {{ local_date('delivered.ordered_at') }} as ordered_on,
        {{ order_record_type('delivered.customer_id') }} as record_type,
        coalesce(delivered.customer_id, delivered.order_id) as record_id,
        coalesce(line_revenue.revenue_amount, delivered.subtotal_amount, delivered.total_amount, 0) as revenue_amount,
        coalesce(delivered.total_amount, line_revenue.revenue_amount, delivered.subtotal_amount, 0) as gross_amount,
        line_revenue.items_count
    from delivered
    left join line_revenue on delivered.source_name = line_revenue.source_name and delivered.order_id = line_revenue.order_id
    left join line_sources on delivered.source_name = line_sources.source_name
    where line_revenue.order_id is not null or line_sources.source_name is null
),

refunded as (
    select source_name, order_id, sum(amount) as refunded_amount
    from delivered_refunds
    where order_id is not null
    group by source_name, order_id
),

orders as (
    select
        valid.order_id, valid.source_name, valid.brand, identity_map.customer_id, valid.ordered_at, valid.ordered_on, valid.currency,
        cast(valid.revenue_amount as decimal(18, 4)) as revenue_amount,
        cast(valid.gross_amount as decimal(18, 4)) as gross_amount,
        cast(coalesce(refunded.refunded_amount, 0) as decimal(18, 4)) as refunded_amount,
        cast({{ in_business_currency('valid.revenue_amount', 'valid.currency', 'rates.rate') }} as decimal(18, 4)) as business_revenue_amount,
        cast({{ in_business_currency('valid.gross_amount', 'valid.currency', 'rates.rate') }} as decimal(18, 4)) as business_gross_amount,
        valid.items_count
    from valid
    left join identity_map
        on valid.source_name = identity_map.source_name
        and valid.record_type = identity_map.record_type
        and valid.record_id = identity_map.record_id
    left join refunded on valid.source_name = refunded.source_name and valid.order_id = refunded.order_id
    left join rates on valid.currency = rates.currency and valid.ordered_on = rates.on_date
)

select * from orders
