{{ config(materialized='view') }}
-- One row per known order: the business day it was placed and the day of the person's next one (null = none so far).
with customer_orders as (select * from {{ ref('customer_orders') }}),

order_pairs as (
    select
        customer_id, order_number - 1 as order_number,
        {{ days_after('ordered_on', '(-days_since_previous_order)') }} as ordered_on, ordered_on as next_ordered_on
    from customer_orders
    where order_number > 1
    union all
    select customer_id, order_number, ordered_on, null
    from customer_orders
    where next_ordered_at is null
)

select * from order_pairs
