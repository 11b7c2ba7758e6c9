-- One row per period and segment: orders that came more than lapsed_after_days after the person's order before. A count, so nothing divides it.
with trading_periods as (select * from {{ ref('trading_periods') }}),

reactivated_orders as (
    select
        'default' as variant, grain, period_start_on, dimension, segment,
        reactivated_orders_count as numerator, cast(null as bigint) as denominator,
        cast(reactivated_orders_count as double) as value, is_closed
    from trading_periods
)

select * from reactivated_orders
