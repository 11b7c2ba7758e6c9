-- One row per source and line of a Shopify checkout: the version that counts.
with landed as (
    {{ current_rows('checkout_lines', key=['checkout_id', 'line_id'], parent_key=['checkout_id'], kind='shopify') }}
),

shop_checkout_lines as (
    select
        checkout_id,
        line_id,
        product_id,
        quantity,
        unit_price_amount,
        source_name,
        brand,
        loaded_at
    from landed
)

select * from shop_checkout_lines
