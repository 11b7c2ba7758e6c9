-- One row per source and product of a WooCommerce store: the version that counts.
with landed as (
    {{ current_rows('products', key=['product_id'], kind='woocommerce') }}
),

shop_products as (
    select
        product_id,
        name as product_name,
        category,
        cast(null as bigint) as warranty_days,
        updated_at,
        source_name,
        brand,
        loaded_at
    from landed
    where not coalesce(is_deleted, false)
)

select * from shop_products
