-- One row per source and customer of a shop: the version that counts.
with landed as (
    {{ current_rows('shop_customers', key=['customer_id']) }}
),

shop_customers as (
    select
        customer_id,
        email,
        phone,
        first_name,
        last_name,
        country,
        accepts_marketing,
        created_at,
        updated_at,
        street,
        city,
        postcode,
        source_name,
        brand,
        loaded_at
    from landed
)

select * from shop_customers
