-- One row per source and abandoned checkout of a Shopify store: the version that counts.
with landed as (
    {{ current_rows('checkouts', key=['checkout_id'], kind='shopify') }}
),

shop_checkouts as (
    select
        checkout_id,
        customer_id,
        email,
        phone,
        created_at as started_at,
        updated_at,
        completed_at,
        total_amount,
        currency,
        source_name,
        brand,
        loaded_at
    from landed
)

select * from shop_checkouts
