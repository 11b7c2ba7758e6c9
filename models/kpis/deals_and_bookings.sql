-- One row per kpi, variant and month: deals that were won and lost, the days that the won ones took, appointments made and kept.
{% set variants = [('deals_closed', 'won'), ('deals_closed', 'lost'), ('deal_days', 'median'), ('deal_days', 'p90'), ('bookings', 'made'), ('bookings', 'kept')] %}
with deals as (
    select
        status, {{ period_start(local_date('closed_at'), 'month') }} as month,
        greatest({{ elapsed_days('created_at', 'closed_at') }}, 0) as took_days
    from {{ ref('crm_deals') }}
    where status in ('won', 'lost') and closed_at is not null
),

-- a booking counts in the month in which it was made, one that was kept in the month of the appointment
bookings as (
    select 'made' as variant, {{ period_start(local_date('booked_at'), 'month') }} as month
    from {{ ref('appointments') }}
    union all
    select 'kept', {{ period_start(local_date('coalesce(starts_at, booked_at)'), 'month') }}
    from {{ ref('appointments') }}
    where status = 'kept'
),

found as (
    select 'deals_closed' as kpi, status as variant, month, cast(count(*) as double) as value
    from deals
    group by status, month
    {% for variant, share in [('median', 0.5), ('p90', 0.9)] %}
    union all
    select 'deal_days', '{{ variant }}', month, percentile_cont({{ share }}) within group (order by took_days)
    from deals
    where status = 'won'
    group by month
    {% endfor %}
    union all
    select 'bookings', variant, month, cast(count(*) as double)
    from bookings
    group by variant, month
),

bounds as (
    select kpi, min(month) as first_on, {{ last_day_before(as_of()) }} as last_on
    from found
    group by kpi
),

months as ({{ period_starts('first_on', 'last_on', 'month') }}, kpi from bounds),

frame as (
    select months.kpi, variants.variant, months.period_start_on
    from months
    inner join {{ text_rows(variants, 'variants', ['kpi', 'variant']) }} on months.kpi = variants.kpi
),

deals_and_bookings as (
    select
        frame.kpi, frame.variant, 'month' as grain, frame.period_start_on, 'all' as dimension, 'all' as segment,
        case when frame.kpi = 'deal_days' then found.value else coalesce(found.value, 0) end as value,
        {{ next_period_start('frame.period_start_on', 'month') }} <= {{ local_date(as_of()) }} as is_closed
    from frame
    left join found on frame.kpi = found.kpi and frame.variant = found.variant and frame.period_start_on = found.month
)

select
    kpi, variant, grain, period_start_on, dimension, segment,
    cast(value as decimal(18, 4)) as numerator, cast(null as decimal(18, 4)) as denominator, value, is_closed
from deals_and_bookings
