-- One row per source and refund of a WooCommerce order: the version that counts.
with landed as (
    {{ current_rows('refunds', key=['refund_id'], kind='woocommerce') }}
),

orders as (
    {{ current_rows('orders', key=['order_id'], kind='woocommerce') }}
),

shop_refunds as (
    select
        landed.refund_id,
        landed.order_id,
        orders.customer_id,
        landed.created_at as refunded_at,
        -- the goods, and whatever was paid back without saying what for
        cast(landed.total_amount - coalesce(landed.tax_amount, 0) - coalesce(landed.shipping_amount, 0) as decimal(18, 4)) as amount,
        landed.tax_amount,
        landed.shipping_amount,
        orders.currency,
        landed.source_name,
        landed.brand,
        landed.loaded_at
    from landed
    left join orders
        on orders.source_name = landed.source_name
        and orders.order_id = landed.order_id
    where not coalesce(landed.is_deleted, false) and not coalesce(orders.is_deleted, false)
)

select * from shop_refunds
