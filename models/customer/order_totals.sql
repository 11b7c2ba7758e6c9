-- One row per person with a valid order: what they ordered, over each window, in the business currency.
with orders as (select * from {{ ref('orders') }} where customer_id is not null),

totals as (
    select
        customer_id,
        min(ordered_at) as first_order_at,
        max(ordered_at) as last_order_at,
        max(ordered_on) as last_order_on,
        {{ windowed_counts('orders_count', 'ordered_at') }},
        {{ windowed_sums('items_count', 'ordered_at', 'items_count') }},
        {{ windowed_amounts('revenue_amount', 'ordered_at', 'business_revenue_amount') }}
    from orders
    group by customer_id
)

select * from totals
