-- One row per stage model, stage and business day: who came, who left, and how many were there when the day ended.
-- Worked out from coming and going alone: nobody is counted once a day.
with stage_history as (select * from {{ ref('stage_history') }} where valid_from < {{ as_of() }}),

moves as (
    select
        stage_model, stage, {{ local_date('valid_from') }} as on_date,
        count(*) as entered_count, 0 as exited_count, count(case when previous_stage is null then 1 end) as first_stage_count
    from stage_history
    group by stage_model, stage, {{ local_date('valid_from') }}
    union all
    select stage_model, stage, {{ local_date('valid_to') }}, 0, count(*), 0
    from stage_history
    where valid_to < {{ as_of() }}
    group by stage_model, stage, {{ local_date('valid_to') }}
),

began as (select min(on_date) as first_on from moves),

days as ({{ period_starts('first_on', last_day_before(as_of()), 'day') }} from began where first_on is not null),

stages as (
    {% for model, declared in var('stage_models').items() %}
    {% for stage in declared['stages'] %}
    select '{{ model }}' as stage_model, '{{ stage['stage'] }}' as stage, '{{ stage['kind'] }}' as kind
    {{ 'union all' if not loop.last }}
    {% endfor %}
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

daily as (
    select
        stages.stage_model, stages.stage, stages.kind, days.period_start_on as on_date,
        cast(coalesce(sum(moves.entered_count), 0) as bigint) as entered_count,
        cast(coalesce(sum(moves.exited_count), 0) as bigint) as exited_count,
        cast(coalesce(sum(moves.first_stage_count), 0) as bigint) as first_stage_count
    from stages
    cross join days
    left join moves on stages.stage_model = moves.stage_model and stages.stage = moves.stage and days.period_start_on = moves.on_date
    group by stages.stage_model, stages.stage, stages.kind, days.period_start_on
),

stage_days as (
    select *, cast(sum(entered_count - exited_count) over (partition by stage_model, stage order by on_date) as bigint) as customers_count
    from daily
)

select * from stage_days
