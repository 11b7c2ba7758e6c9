-- One row per day of an order, day of the next one and whether it was the person's first: how many orders are like that.
-- Every rate of returning customers is counted from this table alone.
with order_pairs as (select * from {{ ref('order_pairs') }}),

order_spans as (
    select ordered_on, next_ordered_on, order_number = 1 as is_first, count(*) as orders_count
    from order_pairs
    group by ordered_on, next_ordered_on, order_number = 1
)

select * from order_spans
