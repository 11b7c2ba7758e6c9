-- One row per valid order of a known person, in the person's own order.
with orders as (select * from {{ ref('orders') }} where customer_id is not null),

sequenced as (
    select
        *,
        row_number() over person as order_number,
        lag(ordered_at) over person as previous_ordered_at,
        lag(ordered_on) over person as previous_ordered_on,
        lead(ordered_at) over person as next_ordered_at,
        case when count(*) over so_far = count(business_revenue_amount) over so_far then sum(business_revenue_amount) over so_far end as revenue_to_date_amount
    from orders
    window
        person as (partition by customer_id order by ordered_at, source_name, order_id),
        so_far as (partition by customer_id order by ordered_at, source_name, order_id rows between unbounded preceding and current row)
),

spaced as (
    select
        order_id, source_name, brand, customer_id, ordered_at, ordered_on, currency, revenue_amount, gross_amount, refunded_amount,
        business_revenue_amount, business_gross_amount,
        cast(order_number as integer) as order_number,
        cast({{ days_between('previous_ordered_on', 'ordered_on') }} as integer) as days_since_previous_order,
        coalesce({{ days_between('previous_ordered_on', 'ordered_on') }} > {{ var('lapsed_after_days') }}, false) as is_reactivation,
        previous_ordered_at, next_ordered_at,
        cast(revenue_to_date_amount as decimal(18, 4)) as revenue_to_date_amount
    from sequenced
)

select * from spaced
