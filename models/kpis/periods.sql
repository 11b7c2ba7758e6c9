-- One row per grain and calendar period that began before as_of, from the period of the first valid order; all time is one more.
with first_order as (select min(ordered_on) as first_on from {{ ref('orders') }}),

bounds as (
    select first_on, {{ last_day_before(as_of()) }} as last_on, {{ local_date(as_of()) }} as as_of_on
    from first_order
    where first_on is not null
),

days as ({{ period_starts('first_on', 'last_on', 'day') }}, as_of_on from bounds),

weeks as ({{ period_starts(period_start('first_on', 'week'), 'last_on', 'week') }}, as_of_on from bounds),

months as ({{ period_starts(period_start('first_on', 'month'), 'last_on', 'month') }}, as_of_on from bounds),

periods as (
    {% for grain in ['day', 'week', 'month'] %}
    select
        '{{ grain }}' as grain, period_start_on, {{ next_period_start('period_start_on', grain) }} as period_end_on,
        {{ next_period_start('period_start_on', grain) }} <= as_of_on as is_closed
    from {{ grain }}s
    union all
    {% endfor %}
    select 'all', first_on, cast(null as date), false
    from bounds
)

select * from periods
