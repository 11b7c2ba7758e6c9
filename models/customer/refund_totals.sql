-- One row per person with a refund: those of their orders and those that name no order, in the business currency.
with refunds as (select * from {{ ref('refunds') }} where customer_id is not null),

totals as (
    select customer_id, {{ whole_sum('business_amount') }} as refunded_amount
    from refunds
    group by customer_id
)

select * from totals
