-- One row per source and product of a Shopify store: the version that counts.
with landed as (
    {{ current_rows('products', key=['product_id'], kind='shopify') }}
),

shop_products as (
    select
        product_id,
        title as product_name,
        product_type as category,
        try_cast(warranty_days as bigint) as warranty_days,
        updated_at,
        source_name,
        brand,
        loaded_at
    from landed
)

select * from shop_products
