-- One row per source and line of an order: the version that counts.
with landed as (
    {{ current_rows('shop_order_lines', key=['order_id', 'line_id'], parent_key=['order_id']) }}
),

shop_order_lines as (
    select
        order_id,
        line_id,
        product_id,
        product_name,
        category,
        quantity,
        unit_price_amount,
        discount_amount,
        source_name,
        brand,
        loaded_at
    from landed
)

select * from shop_order_lines
