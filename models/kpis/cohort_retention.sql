-- One row per cohort and month since: how many of the people who first ordered in the cohort's month ordered in that later month.
with customer_orders as (select * from {{ ref('customer_orders') }}),

months as (select period_start_on as month_on from {{ ref('periods') }} where grain = 'month'),

cohorts as (
    select customer_id, {{ period_start('ordered_on', 'month') }} as cohort_month_on
    from customer_orders
    where order_number = 1
),

-- a person's first order of a month stands for the month
active as (
    select customer_id, {{ period_start('ordered_on', 'month') }} as month_on
    from customer_orders
    where order_number = 1
        or {{ period_start(days_after('ordered_on', '(-days_since_previous_order)'), 'month') }} < {{ period_start('ordered_on', 'month') }}
),

counts as (
    select cohorts.cohort_month_on, active.month_on, count(*) as active_count
    from active
    inner join cohorts on active.customer_id = cohorts.customer_id
    group by cohorts.cohort_month_on, active.month_on
),

sizes as (select cohort_month_on, active_count as cohort_size from counts where cohort_month_on = month_on),

cohort_retention as (
    select
        sizes.cohort_month_on,
        {{ months_between_starts('sizes.cohort_month_on', 'months.month_on') }} as months_since,
        sizes.cohort_size,
        coalesce(counts.active_count, 0) as active_count,
        {{ ratio('coalesce(counts.active_count, 0)', 'sizes.cohort_size') }} as retention
    from sizes
    inner join months on months.month_on >= sizes.cohort_month_on
    left join counts on sizes.cohort_month_on = counts.cohort_month_on and months.month_on = counts.month_on
)

select * from cohort_retention
