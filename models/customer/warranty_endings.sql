-- One row per order line whose warranty ends within the next days, of a person who is known.
with products as (select * from {{ ref('shop_products') }} where warranty_days > 0),

spans as (select min(warranty_days) as shortest_days, max(warranty_days) as longest_days from products),

-- those of the days on which such an order may have been placed: none where no product has a warranty, and then no line is read
orders as (
    select customer_orders.source_name, customer_orders.order_id, customer_orders.customer_id, customer_orders.ordered_on
    from {{ ref('customer_orders') }} as customer_orders
    cross join spans
    where {{ days_between('customer_orders.ordered_on', local_date(as_of())) }} between spans.shortest_days - {{ var('warranty_notice_days') }} and spans.longest_days
),

lines as (select * from {{ ref('shop_order_lines') }} where quantity > 0 and unit_price_amount > 0),

warranties as (
    select
        orders.customer_id, lines.source_name, lines.order_id, lines.line_id, lines.product_id,
        coalesce(lines.product_name, products.product_name) as product_name, orders.ordered_on as bought_on,
        {{ days_after('orders.ordered_on', 'cast(products.warranty_days as integer)') }} as ends_on
    from lines
    inner join orders on lines.source_name = orders.source_name and lines.order_id = orders.order_id
    inner join products on lines.source_name = products.source_name and lines.product_id = products.product_id
),

-- it holds on its last day
warranty_endings as (
    select *
    from warranties
    where {{ days_between(local_date(as_of()), 'ends_on') }} between 0 and {{ var('warranty_notice_days') }}
)

select * from warranty_endings
