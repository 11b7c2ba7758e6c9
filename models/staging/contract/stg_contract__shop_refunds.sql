-- One row per source and refund of a shop: the version that counts.
with landed as (
    {{ current_rows('shop_refunds', key=['refund_id']) }}
),

shop_refunds as (
    select
        refund_id,
        order_id,
        customer_id,
        refunded_at,
        amount,
        tax_amount,
        shipping_amount,
        currency,
        source_name,
        brand,
        loaded_at
    from landed
)

select * from shop_refunds
