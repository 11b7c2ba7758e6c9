-- One row per variant, period and segment: average order value, a ratio of sums.
with trading_periods as (select * from {{ ref('trading_periods') }}),

aov as (
    {% for variant, numerator, denominator in [
        ('default', 'revenue_amount', 'orders_count'),
        ('known_customers', 'known_revenue_amount', 'known_orders_count'),
        ('gross', 'gross_amount', 'orders_count'),
        ('net_of_refunds', 'revenue_amount - refunded_amount', 'orders_count'),
    ] %}
    select
        '{{ variant }}' as variant, grain, period_start_on, dimension, segment,
        cast({{ numerator }} as decimal(18, 4)) as numerator, {{ denominator }} as denominator, {{ ratio(numerator, denominator) }} as value, is_closed
    from trading_periods
    {{ 'union all' if not loop.last }}
    {% endfor %}
)

select * from aov
