-- One row per business day and stage held before the event: what was ordered and refunded, in the business currency.
with events as (select * from {{ ref('stage_before') }}),

trading_days as (
    select
        occurred_on, stage,
        cast(sum(orders_count) as bigint) as orders_count,
        cast(sum(case when customer_id is not null then orders_count else 0 end) as bigint) as known_orders_count,
        cast(sum(reactivated_orders_count) as bigint) as reactivated_orders_count,
        {{ whole_sum('revenue_amount') }} as revenue_amount,
        {{ whole_sum('gross_amount') }} as gross_amount,
        {{ whole_sum('refunded_amount') }} as refunded_amount
    from events
    group by occurred_on, stage
)

select * from trading_days
