{% set slow = var('slow_stage') %}
{% if slow['window_days'] not in var('conversion_windows_days') %}
    {{ exceptions.raise_compiler_error("dbt_project.yml, vars.slow_stage.window_days: " ~ slow['window_days'] ~ " is none of conversion_windows_days; name one of them") }}
{% endif %}
-- One row per stage model, stage, closed month and measure that is worse than usual: fewer went on, or they stayed longer.
with conversions as (
    select * from {{ ref('stage_conversions') }} where to_stage = '(any later)' and within_days = {{ slow['window_days'] }} and is_closed
),

dwell as (select *, {{ next_period_start('month', 'month') }} as ended_on from {{ ref('stage_dwell') }}),

later_stages as (select distinct stage_model, from_stage from {{ text_rows(later_stages(), 'pairs', ['stage_model', 'from_stage', 'to_stage']) }}),

-- where more than half are still there, each has been for at least as long as the month is over
delays as (
    select
        dwell.stage_model, dwell.stage, dwell.month, dwell.entered_count,
        coalesce(dwell.median_days, {{ days_between('dwell.ended_on', local_date(as_of())) }}) as median_days,
        dwell.median_days is null as is_lower_bound
    from dwell
    inner join later_stages on dwell.stage_model = later_stages.stage_model and dwell.stage = later_stages.from_stage
    where dwell.ended_on <= {{ local_date(as_of()) }}
),

figures as (
    select stage_model, from_stage as stage, month, 'conversion' as measure, conversion_rate as value, false as is_lower_bound, entered_count
    from conversions
    union all
    select stage_model, stage, month, 'delay', cast(median_days as double), is_lower_bound, entered_count from delays
),

judged as (select *, {{ by_stage_model('kind') }} as kind from figures where entered_count >= {{ slow['min_entered'] }}),

usual as (
    select
        judged.stage_model, judged.stage, judged.month, judged.measure,
        count(*) as usual_months_count,
        percentile_cont(0.5) within group (order by earlier.value) as usual_value
    from judged
    inner join judged as earlier
        on judged.stage_model = earlier.stage_model and judged.stage = earlier.stage and judged.measure = earlier.measure
        and earlier.month < judged.month
        and earlier.month >= {{ months_after('judged.month', -1 * slow['trailing_months']) }}
    group by judged.stage_model, judged.stage, judged.month, judged.measure
),

slow_stages as (
    select
        judged.stage_model, judged.month, judged.stage, judged.measure, judged.value, judged.is_lower_bound,
        usual.usual_value, cast(usual.usual_months_count as integer) as usual_months_count, judged.entered_count
    from judged
    inner join usual
        on judged.stage_model = usual.stage_model and judged.stage = usual.stage
        and judged.month = usual.month and judged.measure = usual.measure
    where judged.kind = 'active'
        and usual.usual_months_count >= {{ slow['min_months'] }}
        and case judged.measure
            when 'conversion'
                then judged.value < usual.usual_value * (1 - {{ slow['margin'] }})
                and (usual.usual_value - judged.value) * judged.entered_count >= {{ slow['min_people'] }} - 1e-6
            else judged.value > usual.usual_value * (1 + {{ slow['margin'] }})
        end
)

select * from slow_stages
