{% set shift = var('stage_shift') %}
-- One row per stage model, stage, closed week and measure (share, inflow) that left its usual range: median ± some spreads of the weeks before.
with stage_days as (select *, {{ period_start('on_date', 'week') }} as week_on from {{ ref('stage_days') }}),

weeks as (
    select
        stage_model, stage, week_on,
        cast(sum(entered_count) as double) as inflow_count,
        cast(max_by(customers_count, on_date) as double) as stage_count
    from stage_days
    where {{ next_period_start('week_on', 'week') }} <= {{ local_date(as_of()) }}
    group by stage_model, stage, week_on
),

everybody as (select stage_model, week_on, nullif(sum(stage_count), 0) as all_count from weeks group by stage_model, week_on),

-- people_count: of how many people a difference of 1 in the measure speaks
figures as (
    select weeks.stage_model, weeks.stage, weeks.week_on, 'share' as measure, weeks.stage_count / everybody.all_count as value, everybody.all_count as people_count
    from weeks
    inner join everybody on weeks.stage_model = everybody.stage_model and weeks.week_on = everybody.week_on
    union all
    select stage_model, stage, week_on, 'inflow', inflow_count, 1 from weeks
),

trailing_weeks as (
    select figures.stage_model, figures.stage, figures.week_on, figures.measure, earlier.value as earlier_value
    from figures
    inner join figures as earlier
        on figures.stage_model = earlier.stage_model and figures.stage = earlier.stage and figures.measure = earlier.measure
        and earlier.week_on < figures.week_on
        and earlier.week_on >= {{ days_after('figures.week_on', '(' ~ -7 * shift['trailing_weeks'] ~ ')') }}
),

medians as (
    select
        stage_model, stage, week_on, measure, count(*) as weeks_count,
        percentile_cont(0.5) within group (order by earlier_value) as usual_value
    from trailing_weeks
    group by stage_model, stage, week_on, measure
),

ranges as (
    select
        medians.stage_model, medians.stage, medians.week_on, medians.measure, medians.weeks_count, medians.usual_value,
        {{ shift['width'] }} * 1.4826 * percentile_cont(0.5) within group (order by abs(trailing_weeks.earlier_value - medians.usual_value)) as half_range
    from medians
    inner join trailing_weeks
        on medians.stage_model = trailing_weeks.stage_model and medians.stage = trailing_weeks.stage
        and medians.week_on = trailing_weeks.week_on and medians.measure = trailing_weeks.measure
    where medians.weeks_count >= {{ shift['min_weeks'] }}
    group by medians.stage_model, medians.stage, medians.week_on, medians.measure, medians.weeks_count, medians.usual_value
),

-- the tolerance: a difference that is nothing but the rounding of sums is none
stage_shifts as (
    select
        figures.stage_model, figures.week_on, figures.stage, figures.measure, figures.value, ranges.usual_value,
        greatest(ranges.usual_value - ranges.half_range, 0) as usual_from,
        case figures.measure when 'share' then least(ranges.usual_value + ranges.half_range, 1) else ranges.usual_value + ranges.half_range end as usual_to,
        case when figures.value > ranges.usual_value then 'more' else 'fewer' end as direction,
        {{ days_after(next_period_start('figures.week_on', 'week'), 7) }} > {{ local_date(as_of()) }} as is_last_week
    from figures
    inner join ranges
        on figures.stage_model = ranges.stage_model and figures.stage = ranges.stage
        and figures.week_on = ranges.week_on and figures.measure = ranges.measure
    where abs(figures.value - ranges.usual_value) > ranges.half_range + 1e-9
        and abs(figures.value - ranges.usual_value) * figures.people_count >= {{ shift['min_people'] }} - 1e-6
        and abs(figures.value - ranges.usual_value) >= {{ shift['min_change'] }} * ranges.usual_value - 1e-9
)

select * from stage_shifts
