-- One row per month: customers of the month before who ordered again in this one, of all customers of the month before.
with months as (select * from {{ ref('monthly_customers') }}),

compared as (
    select *, coalesce(lag(active_count) over (order by month_on), 0) as previous_active_count
    from months
),

customer_retention_rate as (
    select
        'period_over_period' as variant, 'month' as grain, month_on as period_start_on, 'all' as dimension, 'all' as segment,
        retained_count as numerator, previous_active_count as denominator,
        {{ ratio('retained_count', 'previous_active_count') }} as value, is_closed
    from compared
)

select * from customer_retention_rate
