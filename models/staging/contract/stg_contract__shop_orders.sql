-- One row per source and order of a shop: the version that counts.
with landed as (
    {{ current_rows('shop_orders', key=['order_id']) }}
),

shop_orders as (
    select
        order_id,
        customer_id,
        email,
        phone,
        ordered_at,
        currency,
        subtotal_amount,
        discount_amount,
        tax_amount,
        shipping_amount,
        total_amount,
        status,
        cancelled_at,
        updated_at,
        source_name,
        brand,
        loaded_at
    from landed
)

select * from shop_orders
