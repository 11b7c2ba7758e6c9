-- One row per month and segment: customers of the month before who ordered again in this one, of all customers of the month before.
with months as (select * from {{ ref('monthly_customers') }}),

stages as (select * from {{ ref('monthly_stages') }}),

everybody as (
    select
        month_on, is_closed, 'all' as dimension, 'all' as segment, retained_count,
        coalesce(lag(active_count) over (order by month_on), 0) as previous_active_count
    from months
),

by_stage as (
    select
        months.month_on, months.is_closed, 'lifecycle_stage' as dimension, segments.stage as segment,
        coalesce(stages.retained_count, 0) as retained_count,
        coalesce(stages.previous_active_count, 0) as previous_active_count
    from months
    cross join (select distinct stage from stages) as segments
    left join stages on months.month_on = stages.month_on and segments.stage = stages.stage
),

counted as (
    select * from everybody
    union all
    select * from by_stage
),

customer_retention_rate as (
    select
        'period_over_period' as variant, 'month' as grain, month_on as period_start_on, dimension, segment,
        retained_count as numerator, previous_active_count as denominator,
        {{ ratio('retained_count', 'previous_active_count') }} as value, is_closed
    from counted
)

select * from customer_retention_rate
