-- One row per source and product of a shop: the version that counts.
with landed as (
    {{ current_rows('shop_products', key=['product_id']) }}
),

shop_products as (
    select
        product_id,
        product_name,
        category,
        warranty_days,
        updated_at,
        source_name,
        brand,
        loaded_at
    from landed
)

select * from shop_products
