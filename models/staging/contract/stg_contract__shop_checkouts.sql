-- One row per source and checkout of a shop: the version that counts.
with landed as (
    {{ current_rows('shop_checkouts', key=['checkout_id']) }}
),

shop_checkouts as (
    select
        checkout_id,
        customer_id,
        email,
        phone,
        started_at,
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
