-- One row per record of a shop and the address it bore, with the first time it was seen and the last time it was used.
with customers as (select * from {{ ref('shop_customers') }}),

orders as (select * from {{ ref('shop_orders') }}),

refunds as (select * from {{ ref('shop_refunds') }}),

checkouts as (select * from {{ ref('shop_checkouts') }}),

site_events as (select * from {{ ref('site_events') }}),

sightings as (
    select source_name, 'shop_customer' as record_type, customer_id as record_id, email, phone, country, created_at as seen_at, loaded_at,
        coalesce(updated_at, created_at) as used_at
    from customers
    union all
    select source_name, {{ order_record_type('customer_id') }}, coalesce(customer_id, order_id), email, phone, null, ordered_at, loaded_at, ordered_at
    from orders
    where customer_id is not null or email is not null or phone is not null
    union all
    select source_name, 'shop_customer', customer_id, null, null, null, refunded_at, loaded_at, refunded_at
    from refunds
    where customer_id is not null
    union all
    -- an abandoned cart of a guest is a guest too
    select source_name, {{ order_record_type('customer_id') }}, coalesce(customer_id, 'checkout:' || checkout_id), email, phone, null, started_at, loaded_at, started_at
    from checkouts
    where customer_id is not null or email is not null or phone is not null
    union all
    select source_name, 'shop_customer', customer_id, email, null, null, occurred_at, loaded_at, occurred_at
    from site_events
    where customer_id is not null
    union all
    -- whoever leaves an address and no cookie is known by it
    select
        source_name, 'anonymous', coalesce(anonymous_id, 'email:' || email), case when customer_id is null then email end, null, null,
        occurred_at, loaded_at, occurred_at
    from site_events
    where anonymous_id is not null or (customer_id is null and email is not null)
),

per_address as (
    select
        source_name, record_type, record_id, email, phone, country,
        min(seen_at) as seen_at, min(loaded_at) as loaded_at, max(used_at) as used_at
    from sightings
    group by source_name, record_type, record_id, email, phone, country
)

select * from per_address
