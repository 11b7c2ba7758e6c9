-- One row per source and order of a shop, as known before as_of.
with delivered as ({{ delivered('shop_orders') }}),

known as (
    select
        -- an order without a status counts as paid; one cancelled at as_of or later is not cancelled yet
        order_id,
        {{ real_id('customer_id') }} as customer_id,
        email,
        phone,
        ordered_at,
        currency,
        subtotal_amount,
        discount_amount,
        tax_amount,
        shipping_amount,
        total_amount,
        case when cancelled_at >= {{ as_of() }} and status = 'cancelled' then 'paid' else coalesce(status, 'paid') end as status,
        {{ undo_later('cancelled_at', 'cancelled_at') }} as cancelled_at,
        updated_at,
        source_name,
        brand,
        loaded_at
    from delivered
    where ordered_at < {{ as_of() }}
)

select * from known
