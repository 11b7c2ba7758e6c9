-- One row per person with a refund, of an order or of none: over each window, in the business currency.
with refunds as (select * from {{ ref('refunds') }} where customer_id is not null),

totals as (
    select
        customer_id,
        {{ windowed_counts('refunds_count', 'refunded_at') }},
        {{ windowed_amounts('refunded_amount', 'refunded_at', 'business_amount') }}
    from refunds
    group by customer_id
)

select * from totals
