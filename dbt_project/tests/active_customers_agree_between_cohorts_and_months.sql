-- A month's active customers, counted by cohort and counted at once, are the same people.
with months as (select * from {{ ref('monthly_customers') }}),

cohorts as (
    select {{ months_after('cohort_month_on', 'months_since') }} as month_on, sum(active_count) as active_count
    from {{ ref('cohort_retention') }}
    group by {{ months_after('cohort_month_on', 'months_since') }}
)

select months.month_on, months.active_count, cohorts.active_count as active_by_cohort_count
from months
full outer join cohorts on months.month_on = cohorts.month_on
where coalesce(months.active_count, 0) <> coalesce(cohorts.active_count, 0)
