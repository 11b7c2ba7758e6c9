-- One row per variant, month in which conversations were opened, and segment: minutes to the first reply, unanswered ones not dropped.
with conversations as (select * from {{ ref('conversations') }}),

waits as (
    {% for reply, replied_at in [('human', 'first_human_reply_at'), ('any', 'coalesce(first_reply_at, first_human_reply_at)')] %}
    select
        '{{ reply }}' as reply, {{ period_start(local_date('opened_at'), 'month') }} as month,
        coalesce(channel, '(unknown)') as channel, coalesce(owner_id, '(nobody)') as owner_id,
        case when {{ replied_at }} is null then 0 else 1 end as is_exit,
        case when {{ replied_at }} is null and closed_at is null then 1 else 0 end as is_open,
        round(greatest({{ elapsed_days('opened_at', 'coalesce(' ~ replied_at ~ ', closed_at, ' ~ as_of() ~ ')') }}, 0) * 1440, 4) as waited_minutes
    from conversations
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

segmented as (
    {% for dimension, segment in [('all', "'all'"), ('channel', 'channel'), ('owner_id', 'owner_id')] %}
    select reply, month, '{{ dimension }}' as dimension, {{ segment }} as segment, is_exit, is_open, waited_minutes from waits
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

-- the curve takes lengths by this name, whatever their unit
lengths as (
    select reply, month, dimension, segment, waited_minutes as stayed_days, count(*) as stays_count, sum(is_exit) as exits_count
    from segmented
    group by reply, month, dimension, segment, waited_minutes
),

quantiles as ({{ kaplan_meier('lengths', ['reply', 'month', 'dimension', 'segment']) }}),

open_ones as (
    select reply, month, dimension, segment, sum(is_open) as open_count
    from segmented
    group by reply, month, dimension, segment
),

bounds as (select min(month) as first_on, {{ last_day_before(as_of()) }} as last_on from waits having min(month) is not null),

months as ({{ period_starts('first_on', 'last_on', 'month') }} from bounds),

frame as (
    select segments.reply, segments.dimension, segments.segment, months.period_start_on, {{ next_period_start('months.period_start_on', 'month') }} as period_end_on
    from months
    cross join (select distinct reply, dimension, segment from segmented) as segments
),

-- whoever waits has waited since the month was over, less a day for clocks that change: no quantile below that can change
first_replies as (
    {% for quantile in ['median', 'p90'] %}
    select
        frame.reply || '_{{ quantile }}' as variant, 'month' as grain, frame.period_start_on, frame.dimension, frame.segment,
        cast(null as bigint) as numerator, cast(null as bigint) as denominator, quantiles.{{ quantile }}_days as value,
        frame.period_end_on <= {{ local_date(as_of()) }} and (
            coalesce(open_ones.open_count, 0) = 0
            or coalesce(quantiles.{{ quantile }}_days <= ({{ days_between('frame.period_end_on', local_date(as_of())) }} - 1) * 1440, false)
        ) as is_closed
    from frame
    {% for joined in ['quantiles', 'open_ones'] %}
    left join {{ joined }}
        on frame.reply = {{ joined }}.reply
        and frame.period_start_on = {{ joined }}.month
        and frame.dimension = {{ joined }}.dimension
        and frame.segment = {{ joined }}.segment
    {% endfor %}
    {{ 'union all' if not loop.last }}
    {% endfor %}
)

select * from first_replies
