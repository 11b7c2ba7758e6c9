-- One row per event of a person in a shop: orders, refunds, checkouts, site visits.
with orders as (select * from {{ ref('orders') }} where customer_id is not null),

refunds as (select * from {{ ref('refunds') }} where customer_id is not null),

checkouts as (select * from {{ ref('shop_checkouts') }}),

site_events as (select * from {{ ref('site_events') }}),

identifiers as (select * from {{ ref('customer_identifiers') }}),

unowned as (
    select
        source_name, {{ order_record_type('customer_id') }} as record_type,
        coalesce(customer_id, 'checkout:' || checkout_id) as record_id,
        started_at as occurred_at, 'checkout_started' as event_type, checkout_id as source_id, total_amount as amount
    from checkouts
    union all
    select
        source_name, {{ order_record_type('customer_id') }}, coalesce(customer_id, 'checkout:' || checkout_id),
        completed_at, 'checkout_completed', checkout_id, total_amount
    from checkouts
    where completed_at is not null
    union all
    select
        source_name, case when customer_id is null then 'anonymous' else 'shop_customer' end, coalesce(customer_id, anonymous_id),
        occurred_at, event_type, event_id, null
    from site_events
),

events as (
    select customer_id, ordered_at as occurred_at, 'order' as event_type, null as channel, source_name, order_id as source_id, revenue_amount as amount
    from orders
    union all
    select customer_id, refunded_at, 'refund', null, source_name, refund_id, amount
    from refunds
    union all
    select
        identifiers.customer_id, unowned.occurred_at, unowned.event_type, null, unowned.source_name, unowned.source_id, unowned.amount
    from unowned
    inner join identifiers
        on unowned.source_name = identifiers.source_name
        and unowned.record_type = identifiers.record_type
        and unowned.record_id = identifiers.record_id
)

select * from events
