-- One row per month: customers lapsed when it began who ordered in it, of all customers lapsed when it began.
with order_spans as (select * from {{ ref('order_spans') }}),

months as (select * from {{ ref('periods') }} where grain = 'month'),

-- the order is the last one before the month, and lies more than lapsed_after_days before it
counted as (
    select
        months.period_start_on, months.is_closed,
        coalesce(sum(case when order_spans.next_ordered_on < months.period_end_on then order_spans.orders_count end), 0) as numerator,
        coalesce(sum(order_spans.orders_count), 0) as denominator
    from months
    left join order_spans
        on months.period_start_on > {{ days_after('order_spans.ordered_on', var('lapsed_after_days')) }}
        and (order_spans.next_ordered_on is null or order_spans.next_ordered_on >= months.period_start_on)
    group by months.period_start_on, months.is_closed
),

reactivation_rate as (
    select
        'observed' as variant, 'month' as grain, period_start_on, 'all' as dimension, 'all' as segment,
        cast(numerator as bigint) as numerator, cast(denominator as bigint) as denominator, {{ ratio('numerator', 'denominator') }} as value, is_closed
    from counted
)

select * from reactivation_rate
