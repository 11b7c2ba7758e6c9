-- One row per event of a person in a shop, other than valid orders and refunds: accounts, cancelled orders, checkouts, site visits.
with accounts as (select * from {{ ref('shop_customers') }} where created_at is not null),

cancelled_orders as (select * from {{ ref('shop_orders') }} where cancelled_at is not null),

checkouts as (select * from {{ ref('shop_checkouts') }}),

site_events as (select * from {{ ref('site_events') }}),

identifiers as (select * from {{ ref('customer_identifiers') }}),

unowned as (
    select
        source_name, brand, 'shop_customer' as record_type, customer_id as record_id,
        created_at as occurred_at, 'account_created' as event_type, customer_id as source_id, null as amount
    from accounts
    union all
    select
        source_name, brand, {{ order_record_type('customer_id') }}, coalesce(customer_id, order_id),
        cancelled_at, 'order_cancelled', order_id, total_amount
    from cancelled_orders
    union all
    select
        source_name, brand, {{ order_record_type('customer_id') }}, coalesce(customer_id, 'checkout:' || checkout_id),
        started_at, 'checkout_started', checkout_id, total_amount
    from checkouts
    union all
    select
        source_name, brand, {{ order_record_type('customer_id') }}, coalesce(customer_id, 'checkout:' || checkout_id),
        completed_at, 'checkout_completed', checkout_id, total_amount
    from checkouts
    where completed_at is not null
    union all
    select
        source_name, brand, {{ visit_record_type() }}, {{ visit_record_id() }},
        occurred_at, event_type, event_id, null
    from site_events
),

events as (
    select
        identifiers.customer_id, unowned.occurred_at, unowned.event_type, null as channel, unowned.source_name, unowned.source_id, unowned.amount, unowned.brand
    from unowned
    inner join identifiers
        on unowned.source_name = identifiers.source_name
        and unowned.record_type = identifiers.record_type
        and unowned.record_id = identifiers.record_id
)

select * from events
