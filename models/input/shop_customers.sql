-- One row per source and customer of a shop, as known before as_of.
with delivered as ({{ delivered('shop_customers') }}),

known as (
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
    from delivered
    where created_at < {{ as_of() }} or created_at is null
)

select * from known
