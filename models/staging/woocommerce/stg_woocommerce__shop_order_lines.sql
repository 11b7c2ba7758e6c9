-- One row per source and line of a WooCommerce order: the lines of the version that counts.
with landed as (
    {{ current_rows('order_lines', key=['order_id', 'line_id'], parent_key=['order_id'], kind='woocommerce') }}
),

orders as (
    {{ current_rows('orders', key=['order_id'], kind='woocommerce') }}
),

products as (
    {{ current_rows('products', key=['product_id'], kind='woocommerce') }}
),

priced as (
    select
        landed.*,
        case when quantity > 0 then cast(round(subtotal_amount / quantity, 4) as decimal(18, 4)) end as rounded_amount
    from landed
),

-- quantity × price − discount is what the line came to, to the last digit: where the price has no end it is rounded up
of_units as (
    select
        priced.*,
        case when rounded_amount * quantity < subtotal_amount then rounded_amount + 0.0001 else rounded_amount end as unit_price_amount
    from priced
),

shop_order_lines as (
    select
        of_units.order_id,
        of_units.line_id,
        of_units.product_id,
        of_units.name as product_name,
        products.category,
        of_units.quantity,
        cast(of_units.unit_price_amount as decimal(18, 4)) as unit_price_amount,
        cast(coalesce(of_units.unit_price_amount * of_units.quantity, of_units.subtotal_amount) - of_units.total_amount as decimal(18, 4))
            as discount_amount,
        of_units.source_name,
        of_units.brand,
        of_units.loaded_at
    from of_units
    -- a line that its order lost bears the time of an earlier version
    inner join orders
        on orders.source_name = of_units.source_name
        and orders.order_id = of_units.order_id
        and orders.updated_at = of_units.updated_at
        and not coalesce(orders.is_deleted, false)
    left join products
        on products.source_name = of_units.source_name
        and products.product_id = of_units.product_id
)

select * from shop_order_lines
