-- One row per source and order of a WooCommerce store: the version that counts.
with landed as (
    {{ current_rows('orders', key=['order_id'], kind='woocommerce') }}
),

versions as (select * from {{ source('woocommerce', 'orders') }}),

states as (select * from {{ ref('woocommerce_states') }} where topic = 'order'),

last_open as (
    select
        versions.source_name,
        versions.order_id,
        max(case when coalesce(states.meaning, '') <> 'cancelled' then versions.updated_at end) as open_at
    from versions
    left join states on states.vendor_state = versions.status
    group by versions.source_name, versions.order_id
),

-- WooCommerce notes no time of a cancellation: it is the first change after which the order was seen cancelled
cancellations as (
    select
        versions.source_name,
        versions.order_id,
        min(versions.updated_at) as cancelled_at
    from versions
    inner join states on states.vendor_state = versions.status and states.meaning = 'cancelled'
    inner join last_open
        on last_open.source_name = versions.source_name
        and last_open.order_id = versions.order_id
    where last_open.open_at is null or versions.updated_at > last_open.open_at
    group by versions.source_name, versions.order_id
),

shop_orders as (
    select
        landed.order_id,
        customer_id,
        email,
        phone,
        created_at as ordered_at,
        currency,
        subtotal_amount,
        discount_amount,
        tax_amount,
        shipping_amount,
        total_amount,
        case
            when is_test then 'test'
            -- a refund of all of it changes the state, one of a part does not
            when states.meaning in ('paid', 'partially_paid', 'fulfilled') and refunded_amount > 0
                then case when refunded_amount < total_amount then 'partially_refunded' else 'refunded' end
            -- a state nobody named yet: it does not count until somebody says what it means
            else coalesce(states.meaning, 'pending')
        end as status,
        case when states.meaning = 'cancelled' then cancellations.cancelled_at end as cancelled_at,
        updated_at,
        landed.source_name,
        brand,
        loaded_at
    from landed
    left join states on states.vendor_state = landed.status
    left join cancellations
        on cancellations.source_name = landed.source_name
        and cancellations.order_id = landed.order_id
    where not coalesce(is_deleted, false)
)

select * from shop_orders
