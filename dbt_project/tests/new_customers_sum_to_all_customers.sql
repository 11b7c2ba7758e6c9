-- Everybody with an order was new in one month, belongs to one cohort and counts once in the repeat purchase rate.
with customers as (select count(distinct customer_id) as people_count from {{ ref('customer_orders') }}),

counts as (
    select 'monthly_customers' as counted_in, coalesce(sum(new_count), 0) as people_count from {{ ref('monthly_customers') }}
    union all
    select 'cohort_retention', coalesce(sum(cohort_size), 0) from {{ ref('cohort_retention') }} where months_since = 0
    union all
    select variant, coalesce(sum(denominator), 0) from {{ ref('repeat_purchase_rate') }} group by variant
)

select counts.counted_in, counts.people_count, customers.people_count as customers_count
from counts
cross join customers
where counts.people_count <> customers.people_count
