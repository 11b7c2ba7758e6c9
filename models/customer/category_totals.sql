{{ config(pre_hook="{{ joins_as_written() }}", post_hook="{{ joins_as_planned() }}") }}
-- One row per person who bought goods of a known category: how many categories over each window, and which one most.
with orders as (select source_name, order_id, customer_id, ordered_at from {{ ref('orders') }} where customer_id is not null),

lines as (select * from {{ ref('shop_order_lines') }} where quantity > 0 and unit_price_amount > 0),

products as (select source_name, product_id, category from {{ ref('shop_products') }} where category is not null),

-- by category first: then distinct categories are a plain count of rows
by_category as (
    select
        orders.customer_id,
        coalesce(lines.category, products.category) as category,
        max(orders.ordered_at) as last_bought_at,
        sum(lines.quantity) as items_count
    from lines
    inner join orders on lines.source_name = orders.source_name and lines.order_id = orders.order_id
    left join products on lines.source_name = products.source_name and lines.product_id = products.product_id
    where coalesce(lines.category, products.category) is not null
    group by orders.customer_id, coalesce(lines.category, products.category)
),

totals as (
    select
        customer_id,
        {{ windowed_counts('categories_count', 'last_bought_at') }},
        -- most items, then the newest, then by name
        max_by(category, (items_count, last_bought_at, category)) as favourite_category
    from by_category
    group by customer_id
)

select * from totals
