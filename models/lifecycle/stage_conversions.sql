{% set windows = var('conversion_windows_days') %}
{% set steps = range(1, longest_path() + 1) | list %}
-- One row per stage model, month of entry, stage entered, later stage and window: how many of those whose window is over got there within it.
with stage_history as (select * from {{ ref('stage_history') }} where valid_from < {{ as_of() }}),

later_stages as (select * from {{ text_rows(later_stages(), 'pairs', ['stage_model', 'from_stage', 'to_stage']) }}),

places as (
    select stage_model, stage, cast(place as integer) as place
    from {{ text_rows(stage_places(), 'stages', ['stage_model', 'stage', 'place']) }}
),

-- who is back in a stage within a month left it, and another one, in that month: few have two stays within one
short_stays as (
    select customer_id, stage_model, {{ period_start(local_date('valid_from'), 'month') }} as month
    from stage_history
    where {{ elapsed_days('valid_from', 'valid_to') }} < 32
        and {{ period_start(local_date('valid_from'), 'month') }} = {{ period_start(local_date('valid_to'), 'month') }}
),

busy as (
    select customer_id, stage_model, month
    from short_stays
    group by customer_id, stage_model, month
    having count(*) > 1
),

-- a person counts once a month, from the first entry in it: these are the others
again as (
    select customer_id, stage_model, valid_from
    from (
        select
            stage_history.customer_id, stage_history.stage_model, stage_history.valid_from,
            row_number() over (partition by busy.customer_id, busy.stage_model, busy.month, stage_history.stage order by stage_history.valid_from) as entry_number
        from stage_history
        inner join busy
            on stage_history.customer_id = busy.customer_id and stage_history.stage_model = busy.stage_model
            and {{ period_start(local_date('stage_history.valid_from'), 'month') }} = busy.month
    ) as numbered
    where entry_number > 1
),

-- a person's stays are sorted once: each step of the path has a column for when it is taken next
followed as (
    select
        stage_history.customer_id, stage_history.stage_model, stage_history.stage as from_stage, stage_history.valid_from, places.place,
        {{ local_date('stage_history.valid_from') }} as entered_on
        {%- for step in steps %},
        {{ next_known('case when places.place = ' ~ step ~ ' then ' ~ local_date('stage_history.valid_from') ~ ' end', 'person') }} as next_{{ step }}_on
        {%- endfor %}
    from stage_history
    inner join places on stage_history.stage_model = places.stage_model and stage_history.stage = places.stage
    window person as (partition by stage_history.customer_id, stage_history.stage_model order by stage_history.valid_from)
),

entrants as (
    select
        followed.stage_model, followed.from_stage, {{ period_start('followed.entered_on', 'month') }} as month,
        {{ days_between('followed.entered_on', local_date(as_of())) }} as followed_days
        {%- for step in steps %},
        case when followed.place < {{ step }} then {{ days_between('followed.entered_on', 'followed.next_' ~ step ~ '_on') }} end as took_{{ step }}_days
        {%- endfor %}
    from followed
    left join again
        on followed.customer_id = again.customer_id and followed.stage_model = again.stage_model and followed.valid_from = again.valid_from
    where again.customer_id is null
),

-- step 0 is any later one
counted as (
    select
        stage_model, month, from_stage, count(*) as entered_count
        {%- for days in windows %},
        count(case when followed_days > {{ days }} then 1 end) as closed_{{ days }},
        count(case when followed_days > {{ days }} and ({% for step in steps %}took_{{ step }}_days <= {{ days }}{{ ' or ' if not loop.last }}{% endfor %}) then 1 end) as converted_0_{{ days }}
        {%- for step in steps %},
        count(case when followed_days > {{ days }} and took_{{ step }}_days <= {{ days }} then 1 end) as converted_{{ step }}_{{ days }}
        {%- endfor %}
        {%- endfor %}
    from entrants
    group by stage_model, month, from_stage
),

frame as (
    select counted.*, targets.to_stage, targets.step
    from counted
    inner join (
        select later_stages.stage_model, later_stages.from_stage, later_stages.to_stage, places.place as step
        from later_stages
        inner join places on later_stages.stage_model = places.stage_model and later_stages.to_stage = places.stage
        union
        select stage_model, from_stage, '(any later)', 0 from later_stages
    ) as targets
        on counted.stage_model = targets.stage_model and counted.from_stage = targets.from_stage
),

rates as (
    {% for days in windows %}
    select
        stage_model, month, from_stage, to_stage, {{ days }} as within_days, entered_count, closed_{{ days }} as closed_count,
        case step{% for step in [0] + steps %} when {{ step }} then converted_{{ step }}_{{ days }}{% endfor %} end as converted_count
    from frame
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

stage_conversions as (
    select
        stage_model, month, from_stage, to_stage, within_days, entered_count, closed_count, converted_count,
        {{ ratio('converted_count', 'closed_count') }} as conversion_rate,
        {{ days_after(next_period_start('month', 'month'), 'within_days') }} <= {{ local_date(as_of()) }} as is_closed
    from rates
)

select * from stage_conversions
