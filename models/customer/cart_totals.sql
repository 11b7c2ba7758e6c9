{% set abandoned = 'completed_at is null and started_at < ' ~ as_of() ~ ' - interval ' ~ var('cart_abandoned_after_hours') ~ ' hour' %}
-- One row per person who started a checkout: carts started and carts left behind, over each window.
with checkouts as (select * from {{ ref('shop_checkouts') }}),

identity_map as (select * from {{ ref('identity_map') }} where record_type in ('shop_customer', 'guest_order')),

carts as (
    select
        source_name, started_at, completed_at,
        {{ order_record_type('customer_id') }} as record_type,
        coalesce(customer_id, 'checkout:' || checkout_id) as record_id
    from checkouts
),

totals as (
    select
        identity_map.customer_id,
        max(carts.started_at) as last_cart_at,
        {{ windowed_counts('carts_started_count', 'started_at') }},
        {{ windowed_counts('carts_abandoned_count', 'started_at', abandoned) }}
    from carts
    inner join identity_map
        on carts.source_name = identity_map.source_name
        and carts.record_type = identity_map.record_type
        and carts.record_id = identity_map.record_id
    group by identity_map.customer_id
)

select * from totals
