{{ config(materialized='view') }}
-- One row per person and number of orders held for some time: from first sight to the first order, then from order to order.
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
        cast(null as date) as ordered_on, 'first_seen' as cause_event_id, people.reachable_from, 0 as is_high_value
    from people
    left join first_orders on people.customer_id = first_orders.customer_id
    where first_orders.ordered_at is null or first_orders.ordered_at > people.first_seen_at
),

-- of several orders at one instant the last one speaks
after_an_order as (
    select
        customer_orders.customer_id, customer_orders.order_number, customer_orders.ordered_at, customer_orders.next_ordered_at,
        customer_orders.ordered_on, 'order:' || customer_orders.source_name || ':' || customer_orders.order_id, people.reachable_from,
        case when cast(customer_orders.revenue_to_date_amount / customer_orders.order_number as decimal(18, 4)) >= store.aov_amount then 1 else 0 end
    from customer_orders
    inner join people on customer_orders.customer_id = people.customer_id
    cross join store
    where customer_orders.next_ordered_at is null or customer_orders.next_ordered_at > customer_orders.ordered_at
),

order_states as (
    select * from before_the_first
    union all
    select * from after_an_order
)

select * from order_states
