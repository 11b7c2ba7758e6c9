{% set quarter_on = period_start(local_date(as_of()), 'quarter') %}
{% set quantiles = var('rfm_own_quantiles') %}
-- One row: how long the shop's customers take to buy again, and the limits of RFM groups that follow from it.
-- Orders up to the beginning of the quarter count, so that limits, and the groups of everybody, do not move from night to night.
with repeats as (
    select customer_id, days_since_previous_order from {{ ref('customer_orders') }}
    where days_since_previous_order is not null and ordered_on < {{ quarter_on }}
),

measured as (
    select
        count(distinct customer_id) as returning_customers_count,
        count(*) as repeat_orders_count,
        percentile_disc({{ quantiles[0] }}) within group (order by days_since_previous_order) as own_recent_days,
        percentile_disc({{ quantiles[1] }}) within group (order by days_since_previous_order) as own_nurture_days,
        percentile_disc({{ quantiles[2] }}) within group (order by days_since_previous_order) as own_risk_days
    from repeats
),

-- three limits stay three where most come back within the same days
parted as (
    select
        returning_customers_count, repeat_orders_count,
        greatest(own_recent_days, 1) as own_recent_days,
        greatest(own_nurture_days, own_recent_days + 1, 2) as own_nurture_days,
        greatest(own_risk_days, own_nurture_days + 1, own_recent_days + 2, 3) as own_risk_days
    from measured
),

judged as (
    select *, returning_customers_count >= {{ var('rfm_own_from_customers') }} as is_own
    from parted
),

repeat_times as (
    select
        {{ quarter_on }} as counted_before_on,
        returning_customers_count, repeat_orders_count,
        cast(case when is_own then own_recent_days else {{ var('rfm_recent_days') }} end as integer) as recent_days,
        cast(case when is_own then own_nurture_days else {{ var('rfm_nurture_days') }} end as integer) as nurture_days,
        cast(case when is_own then own_risk_days else {{ var('rfm_risk_days') }} end as integer) as risk_days,
        is_own
    from judged
)

select * from repeat_times
