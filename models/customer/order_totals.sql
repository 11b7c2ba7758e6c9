-- One row per person with a valid order: what they ordered so far, in the business currency.
with orders as (select * from {{ ref('orders') }} where customer_id is not null),

totals as (
    select
        customer_id,
        cast(count(*) as integer) as orders_count,
        min(ordered_at) as first_order_at,
        max(ordered_at) as last_order_at,
        max(ordered_on) as last_order_on,
        {{ whole_sum('business_revenue_amount') }} as revenue_amount
    from orders
    group by customer_id
)

select * from totals
