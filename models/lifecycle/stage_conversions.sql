{% set windows = var('conversion_windows_days') %}
-- One row per stage model, month of entry, stage entered, later stage and window: how many of those whose window is over got there within it.
with stage_history as (select * from {{ ref('stage_history') }} where valid_from < {{ as_of() }}),

later_stages as (select * from {{ text_rows(later_stages(), 'pairs', ['stage_model', 'from_stage', 'to_stage']) }}),

entries as (
    select
        customer_id, stage_model, stage, valid_from, {{ local_date('valid_from') }} as entered_on,
        lag(valid_from) over same_stage as entered_before_at,
        {{ period_start(local_date('lag(valid_from) over same_stage'), 'month') }} as month_before
    from stage_history
    window same_stage as (partition by customer_id, stage_model, stage order by valid_from)
),

-- a person counts once a month, from the first entry in it
entrants as (
    select
        customer_id, stage_model, stage as from_stage, valid_from, entered_on, {{ period_start('entered_on', 'month') }} as month,
        {{ days_between('entered_on', local_date(as_of())) }} as followed_days
    from entries
    where month_before is null or month_before < {{ period_start('entered_on', 'month') }}
),

-- the first entry into each later stage: no other one lies between
reached as (
    select
        entrants.stage_model, entrants.month, entrants.from_stage, entries.stage as to_stage, entrants.customer_id, entrants.followed_days,
        {{ days_between('entrants.entered_on', 'entries.entered_on') }} as took_days
    from entrants
    inner join later_stages on entrants.stage_model = later_stages.stage_model and entrants.from_stage = later_stages.from_stage
    inner join entries
        on entrants.customer_id = entries.customer_id
        and entrants.stage_model = entries.stage_model
        and later_stages.to_stage = entries.stage
        and entries.valid_from > entrants.valid_from
        and (entries.entered_before_at is null or entries.entered_before_at <= entrants.valid_from)
),

reached_any as (
    select * from reached
    union all
    select stage_model, month, from_stage, '(any later)', customer_id, followed_days, min(took_days)
    from reached
    group by stage_model, month, from_stage, customer_id, followed_days
),

converted as (
    select
        stage_model, month, from_stage, to_stage
        {%- for days in windows %}, count(case when took_days <= {{ days }} and followed_days > {{ days }} then 1 end) as within_{{ days }}{% endfor %}
    from reached_any
    group by stage_model, month, from_stage, to_stage
),

entered as (
    select
        stage_model, month, from_stage, count(*) as entered_count
        {%- for days in windows %}, count(case when followed_days > {{ days }} then 1 end) as closed_{{ days }}{% endfor %}
    from entrants
    group by stage_model, month, from_stage
),

frame as (
    select entered.*, later_stages.to_stage
    from entered
    inner join (select * from later_stages union select stage_model, from_stage, '(any later)' from later_stages) as later_stages
        on entered.stage_model = later_stages.stage_model and entered.from_stage = later_stages.from_stage
),

stage_conversions as (
    {% for days in windows %}
    select
        frame.stage_model, frame.month, frame.from_stage, frame.to_stage, {{ days }} as within_days,
        frame.entered_count, frame.closed_{{ days }} as closed_count, coalesce(converted.within_{{ days }}, 0) as converted_count,
        {{ ratio('coalesce(converted.within_' ~ days ~ ', 0)', 'frame.closed_' ~ days) }} as conversion_rate,
        {{ days_after(next_period_start('frame.month', 'month'), days) }} <= {{ local_date(as_of()) }} as is_closed
    from frame
    left join converted
        on frame.stage_model = converted.stage_model and frame.month = converted.month
        and frame.from_stage = converted.from_stage and frame.to_stage = converted.to_stage
    {{ 'union all' if not loop.last }}
    {% endfor %}
)

select * from stage_conversions
