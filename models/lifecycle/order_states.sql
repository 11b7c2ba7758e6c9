{{ config(materialized='view') }}
-- One row per person and number of orders held for some time: from first sight to the first order, then from order to order.
-- was_ columns say what held just before, as far as this order's own row tells; from that, most of what moves nobody is known without sorting.
with people as (select * from {{ ref('people') }}),

customer_orders as (select * from {{ ref('customer_orders') }}),

first_orders as (select customer_id, ordered_at from customer_orders where order_number = 1),

-- the store's mean at as_of for the whole past, so that history ends with the RFM group that customers show
store as (
    select cast(sum(revenue_to_date_amount) / nullif(sum(order_number), 0) as decimal(18, 4)) as aov_amount
    from customer_orders
    where next_ordered_at is null and revenue_to_date_amount is not null
),

before_the_first as (
    select
        people.customer_id, 0 as orders_count, people.first_seen_at as from_at, first_orders.ordered_at as until_at,
        cast(null as date) as ordered_on, 'first_seen' as cause_event_id, people.reachable_from, 0 as is_high_value,
        true as is_was_known, cast(null as integer) as was_orders_count, cast(null as integer) as was_days_since_last_order, cast(null as integer) as was_is_high_value,
        0 as begins_day
    from people
    left join first_orders on people.customer_id = first_orders.customer_id
    where first_orders.ordered_at is null or first_orders.ordered_at > people.first_seen_at
),

-- of several orders at one instant the last one speaks
spoken_orders as (
    select *, {{ begins_day('ordered_at', 'ordered_on') }} as begins_day
    from customer_orders
    where next_ordered_at is null or next_ordered_at > ordered_at
),

after_an_order as (
    select
        spoken.customer_id, spoken.order_number, spoken.ordered_at, spoken.next_ordered_at, spoken.ordered_on,
        'order:' || spoken.source_name || ':' || spoken.order_id, people.reachable_from,
        case when cast(spoken.revenue_to_date_amount / spoken.order_number as decimal(18, 4)) >= store.aov_amount then 1 else 0 end,
        spoken.order_number = 1 or (spoken.previous_ordered_at < spoken.ordered_at and spoken.revenue_to_date_amount is not null),
        case when spoken.order_number > 1 or people.first_seen_at < spoken.ordered_at then spoken.order_number - 1 end,
        spoken.days_since_previous_order - spoken.begins_day,
        case when cast((spoken.revenue_to_date_amount - spoken.business_revenue_amount) / nullif(spoken.order_number - 1, 0) as decimal(18, 4)) >= store.aov_amount then 1 else 0 end,
        spoken.begins_day
    from spoken_orders as spoken
    inner join people on spoken.customer_id = people.customer_id
    cross join store
),

order_states as (
    select * from before_the_first
    union all
    select * from after_an_order
)

select * from order_states
