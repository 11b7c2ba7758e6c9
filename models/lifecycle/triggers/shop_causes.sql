-- One row per event in a shop or on its site that can begin a trigger, or call one off. Its customer is known.
with timeline as (select customer_id, occurred_at, event_type, source_name, source_id from {{ ref('customer_timeline') }}),

site_events as (select * from {{ ref('site_events') }}),

checkouts as (select * from {{ ref('shop_checkouts') }}),

stock_changes as (select * from {{ ref('stock_changes') }}),

customers as (select customer_id, email from {{ ref('customers') }}),

on_site as (
    select
        timeline.customer_id, timeline.occurred_at, timeline.event_type, timeline.source_name, timeline.source_id,
        coalesce(site_events.form_id, '') as form_id, site_events.product_id,
        lead(timeline.occurred_at) over (partition by timeline.customer_id, timeline.event_type order by timeline.occurred_at, timeline.source_name, timeline.source_id) as next_at
    from timeline
    inner join site_events on timeline.source_name = site_events.source_name and timeline.source_id = site_events.event_id and timeline.event_type = site_events.event_type
    where {{ is_spoken_of(['form_submit', 'product_view', 'back_in_stock']) }}
        and timeline.event_type in ('form_submit', 'product_view', 'stock_alert_request')
),

-- whoever goes on looking has not left: a view counts when nothing followed it within the shortest delay
site_causes as (
    select customer_id, event_type as event, form_id as scope, event_type as cause_type, source_name, source_id, occurred_at,
        case event_type when 'product_view' then next_at end as called_off_at
    from on_site
    where event_type = 'form_submit'
        or (event_type = 'product_view' and (next_at is null or next_at > {{ hours_after('occurred_at', shortest_delay_hours('product_view')) }}))
),

-- the first return of a product after somebody asked for it; gone again calls it off
stock as (
    select *, lead(changed_at) over (partition by source_name, product_id order by changed_at) as next_changed_at
    from stock_changes
    where {{ is_spoken_of(['back_in_stock']) }}
),

returned as (
    select
        on_site.customer_id, 'back_in_stock' as event, '' as scope, on_site.event_type as cause_type, on_site.source_name, on_site.source_id,
        min(stock.changed_at) as occurred_at, min_by(stock.next_changed_at, stock.changed_at) as called_off_at
    from on_site
    inner join stock
        on on_site.source_name = stock.source_name and on_site.product_id = stock.product_id and on_site.occurred_at <= stock.changed_at
    where on_site.event_type = 'stock_alert_request' and stock.in_stock
    group by on_site.customer_id, on_site.event_type, on_site.source_name, on_site.source_id
),

-- a cart whose owner has no address that is known begins nothing
carts as (
    select
        timeline.customer_id, case when customers.email is null then 'checkout_of_nobody' else 'checkout_started' end as event, '' as scope, 'checkout' as cause_type,
        timeline.source_name, timeline.source_id, timeline.occurred_at, checkouts.completed_at as called_off_at
    from timeline
    inner join checkouts on timeline.source_name = checkouts.source_name and timeline.source_id = checkouts.checkout_id
    inner join customers on timeline.customer_id = customers.customer_id
    where timeline.event_type = 'checkout_started' and {{ is_spoken_of(['checkout_started'], 'checkout') }}
),

orders as (
    select customer_id, 'order' as event, '' as scope, 'order' as cause_type, source_name, order_id as source_id, ordered_at as occurred_at, cast(null as timestamp) as called_off_at
    from {{ ref('customer_orders') }}
    where {{ is_spoken_of(['order'], 'order') }}
),

shop_causes as (
    select * from site_causes
    union all
    select * from returned
    union all
    select * from carts
    union all
    select * from orders
)

select * from shop_causes
