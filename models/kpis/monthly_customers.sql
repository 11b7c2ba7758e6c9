-- One row per month: customers who ordered in it, how many of them for the first time ever, and how many also in the month before.
with order_spans as (select * from {{ ref('order_spans') }}),

months as (select * from {{ ref('periods') }} where grain = 'month'),

-- whoever orders in a month is counted once: by their first order ever, or by the order that follows one of an earlier month
arrivals as (
    select {{ period_start('ordered_on', 'month') }} as month_on, cast(null as date) as previous_month_on, orders_count
    from order_spans
    where is_first
    union all
    select {{ period_start('next_ordered_on', 'month') }}, {{ period_start('ordered_on', 'month') }}, orders_count
    from order_spans
    where {{ period_start('next_ordered_on', 'month') }} > {{ period_start('ordered_on', 'month') }}
),

monthly_customers as (
    select
        months.period_start_on as month_on, months.is_closed,
        cast(coalesce(sum(arrivals.orders_count), 0) as bigint) as active_count,
        cast(coalesce(sum(case when arrivals.previous_month_on is null then arrivals.orders_count end), 0) as bigint) as new_count,
        cast(coalesce(sum(case when {{ next_period_start('arrivals.previous_month_on', 'month') }} = arrivals.month_on then arrivals.orders_count end), 0) as bigint) as retained_count
    from months
    left join arrivals on months.period_start_on = arrivals.month_on
    group by months.period_start_on, months.is_closed
)

select * from monthly_customers
