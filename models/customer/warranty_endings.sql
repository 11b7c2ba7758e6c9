-- One row per order line whose warranty ends within the next days, of a person who is known.
with orders as (select source_name, order_id, customer_id, ordered_on from {{ ref('customer_orders') }}),

lines as (select * from {{ ref('shop_order_lines') }} where quantity > 0 and unit_price_amount > 0),

products as (select * from {{ ref('shop_products') }} where warranty_days > 0),

warranties as (
    select
        orders.customer_id, lines.source_name, lines.order_id, lines.line_id, lines.product_id,
        coalesce(lines.product_name, products.product_name) as product_name, orders.ordered_on as bought_on,
        {{ days_after('orders.ordered_on', 'cast(products.warranty_days as integer)') }} as ends_on
    from lines
    inner join products on lines.source_name = products.source_name and lines.product_id = products.product_id
    inner join orders on lines.source_name = orders.source_name and lines.order_id = orders.order_id
),

-- it holds on its last day
warranty_endings as (
    select *
    from warranties
    where {{ days_between(local_date(as_of()), 'ends_on') }} between 0 and {{ var('warranty_notice_days') }}
)

select * from warranty_endings
