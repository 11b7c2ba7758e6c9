-- One row per person with a valid order: recency, frequency and money so far, before refunds, in the business currency.
with customer_orders as (select * from {{ ref('customer_orders') }}),

rfm_facts as (
    select
        customer_id,
        cast({{ days_between('max(ordered_on)', local_date(as_of())) }} as integer) as recency_days,
        cast(count(*) as integer) as frequency,
        {{ whole_sum('business_revenue_amount') }} as monetary_amount
    from customer_orders
    group by customer_id
)

select * from rfm_facts
