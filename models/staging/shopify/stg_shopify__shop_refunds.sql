-- One row per source and refund of a Shopify order: the version that counts.
with landed as (
    {{ current_rows('refunds', key=['refund_id'], kind='shopify') }}
),

shop_refunds as (
    select
        refund_id,
        order_id,
        customer_id,
        created_at as refunded_at,
        goods_amount as amount,
        tax_amount,
        shipping_amount,
        currency,
        source_name,
        brand,
        loaded_at
    from landed
)

select * from shop_refunds
