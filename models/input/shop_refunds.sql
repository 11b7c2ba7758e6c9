-- One row per source and refund of a shop, as known before as_of.
with delivered as ({{ delivered('shop_refunds') }}),

known as (
    select
        refund_id,
        order_id,
        {{ real_id('customer_id') }} as customer_id,
        refunded_at,
        amount,
        tax_amount,
        shipping_amount,
        currency,
        source_name,
        brand,
        loaded_at
    from delivered
    where refunded_at < {{ as_of() }}
)

select * from known
