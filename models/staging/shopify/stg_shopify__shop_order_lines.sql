-- One row per source and line of a Shopify order: the version that counts.
with landed as (
    {{ current_rows('order_lines', key=['order_id', 'line_id'], parent_key=['order_id'], kind='shopify') }}
),

shop_order_lines as (
    select
        order_id,
        line_id,
        product_id,
        title as product_name,
        product_type as category,
        quantity,
        unit_price_amount,
        discount_amount,
        source_name,
        brand,
        loaded_at
    from landed
)

select * from shop_order_lines
