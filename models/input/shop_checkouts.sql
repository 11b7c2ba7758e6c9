-- One row per source and checkout of a shop, as known before as_of.
with delivered as ({{ delivered('shop_checkouts') }}),

known as (
    select
        checkout_id,
        {{ real_id('customer_id') }} as customer_id,
        email,
        phone,
        started_at,
        updated_at,
        {{ undo_later('completed_at', 'completed_at') }} as completed_at,
        total_amount,
        currency,
        source_name,
        brand,
        loaded_at
    from delivered
    where started_at < {{ as_of() }}
)

select * from known
