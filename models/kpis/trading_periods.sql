-- One row per period and segment, also where nothing happened: what was ordered and refunded, in the business currency.
with trading_days as (select * from {{ ref('trading_days') }}),

periods as (select * from {{ ref('periods') }}),

all_time as (select period_start_on from periods where grain = 'all'),

segmented as (
    select 'all' as dimension, 'all' as segment, * from trading_days
    union all
    select 'lifecycle_stage', stage, * from trading_days
),

{% for grain in ['day', 'week', 'month', 'all'] %}
sums_{{ grain }} as (
    select
        '{{ grain }}' as grain,
        {{ 'all_time.period_start_on' if grain == 'all' else period_start('segmented.occurred_on', grain) }} as period_start_on,
        dimension, segment,
        cast(sum(orders_count) as bigint) as orders_count,
        cast(sum(known_orders_count) as bigint) as known_orders_count,
        cast(sum(reactivated_orders_count) as bigint) as reactivated_orders_count,
        {{ whole_sum('revenue_amount') }} as revenue_amount,
        {{ whole_sum('revenue_amount', "stage <> '(unknown)'") }} as known_revenue_amount,
        {{ whole_sum('gross_amount') }} as gross_amount,
        {{ whole_sum('refunded_amount') }} as refunded_amount
    from segmented
    {{ 'cross join all_time' if grain == 'all' }}
    group by 1, 2, 3, 4
),
{% endfor %}

sums as (
    {% for grain in ['day', 'week', 'month', 'all'] %}
    select * from sums_{{ grain }}
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

frame as (
    select periods.*, segments.dimension, segments.segment
    from periods
    cross join (select distinct dimension, segment from segmented) as segments
),

-- an empty period is 0; an amount that lacks an exchange rate is unknown
trading_periods as (
    select
        frame.grain, frame.period_start_on, frame.is_closed, frame.dimension, frame.segment,
        {% for measure in ['orders_count', 'known_orders_count', 'reactivated_orders_count', 'revenue_amount', 'known_revenue_amount', 'gross_amount', 'refunded_amount'] %}
        case when sums.grain is null then 0 else sums.{{ measure }} end as {{ measure }}{{ ',' if not loop.last }}
        {% endfor %}
    from frame
    left join sums
        on frame.grain = sums.grain
        and frame.period_start_on = sums.period_start_on
        and frame.dimension = sums.dimension
        and frame.segment = sums.segment
)

select * from trading_periods
