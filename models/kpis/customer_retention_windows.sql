-- One row per window of N days and period: customers N days before its end who are customers at its end, of all customers N days before.
-- A customer at a time ordered in the N days before it. The end is the midnight after the last day; as_of where that is not yet reached.
with order_spans as (select * from {{ ref('order_spans') }}),

customer_orders as (select * from {{ ref('customer_orders') }}),

periods as (select * from {{ ref('periods') }} where grain in ('month', 'all')),

{% for days in var('retention_windows_days') %}
-- the order is the last one before the start, is not too old at the start, and the next one comes before the end
closed_{{ days }} as (
    select
        periods.grain, periods.period_start_on, periods.is_closed,
        coalesce(sum(case when order_spans.next_ordered_on < periods.period_end_on then orders_count end), 0) as numerator,
        coalesce(sum(orders_count), 0) as denominator
    from periods
    left join order_spans
        on periods.period_end_on > {{ days_after('order_spans.ordered_on', days) }}
        and periods.period_end_on <= {{ days_after('order_spans.ordered_on', 2 * days) }}
        and (order_spans.next_ordered_on is null or periods.period_end_on <= {{ days_after('order_spans.next_ordered_on', days) }})
    where periods.is_closed
    group by periods.grain, periods.period_start_on, periods.is_closed
),

now_{{ days }} as (
    select count(next_ordered_at) as numerator, count(*) as denominator
    from customer_orders
    where ordered_at >= {{ days_earlier(as_of(), 2 * days) }}
        and ordered_at < {{ days_earlier(as_of(), days) }}
        and (next_ordered_at is null or next_ordered_at >= {{ days_earlier(as_of(), days) }})
),
{% endfor %}

counted as (
    {% for days in var('retention_windows_days') %}
    select 'crr_{{ days }}d' as variant, * from closed_{{ days }}
    union all
    select 'crr_{{ days }}d', periods.grain, periods.period_start_on, periods.is_closed, now_{{ days }}.numerator, now_{{ days }}.denominator
    from periods
    cross join now_{{ days }}
    where not periods.is_closed
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

customer_retention_windows as (
    select
        variant, grain, period_start_on, 'all' as dimension, 'all' as segment,
        cast(numerator as bigint) as numerator, cast(denominator as bigint) as denominator,
        {{ ratio('numerator', 'denominator') }} as value, is_closed
    from counted
)

select * from customer_retention_windows
