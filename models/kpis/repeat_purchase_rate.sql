-- One row per variant and period: customers who came back for a second order, of all or of a month's first-time customers.
with order_spans as (select * from {{ ref('order_spans') }} where is_first),

periods as (select * from {{ ref('periods') }}),

-- no upper bound over all time; a window counts 0..N whole days after the first order
ever as (
    select periods.grain, periods.period_start_on, sum(case when next_ordered_on is not null then orders_count end) as came_back, sum(orders_count) as customers
    from periods
    left join order_spans on true
    where periods.grain = 'all'
    group by periods.grain, periods.period_start_on
),

{% for days in var('repeat_windows_days') %}
within_{{ days }} as (
    select
        periods.grain, periods.period_start_on,
        {{ days_after(days_after('periods.period_end_on', -1), days) }} < {{ local_date(as_of()) }} as is_closed,
        sum(case when {{ days_between('order_spans.ordered_on', 'order_spans.next_ordered_on') }} <= {{ days }} then orders_count end) as came_back,
        sum(orders_count) as customers
    from periods
    left join order_spans on order_spans.ordered_on >= periods.period_start_on and order_spans.ordered_on < periods.period_end_on
    where periods.grain = 'month'
    group by periods.grain, periods.period_start_on, periods.period_end_on
),
{% endfor %}

counted as (
    select 'default' as variant, grain, period_start_on, coalesce(came_back, 0) as numerator, coalesce(customers, 0) as denominator, false as is_closed, true as has_value
    from ever
    {% for days in var('repeat_windows_days') %}
    union all
    select 'within_{{ days }}d', grain, period_start_on, coalesce(came_back, 0), coalesce(customers, 0), is_closed, is_closed
    from within_{{ days }}
    {% endfor %}
),

repeat_purchase_rate as (
    select
        variant, grain, period_start_on, 'all' as dimension, 'all' as segment,
        cast(numerator as bigint) as numerator, cast(denominator as bigint) as denominator,
        case when has_value then {{ ratio('numerator', 'denominator') }} end as value, is_closed
    from counted
)

select * from repeat_purchase_rate
