-- Per stage model, month and stage: moves into a stage and first stages are its entries, moves out of it are its exits; and everybody seen is in one stage.
with stage_months as (select * from {{ ref('stage_months') }}),

moves as (
    select stage_model, month, to_stage as stage, moves_count as into_count, 0 as out_count from {{ ref('stage_transitions') }}
    union all
    select stage_model, month, from_stage, 0, moves_count from {{ ref('stage_transitions') }}
),

moved as (
    select stage_model, month, stage, sum(into_count) as into_count, sum(out_count) as out_count
    from moves
    group by stage_model, month, stage
),

seen as (
    select
        stage_model, month, sum(still_there_count) as people_count,
        sum(sum(first_stage_count)) over (partition by stage_model order by month) as seen_count
    from stage_months
    group by stage_model, month
)

select coalesce(stage_months.stage_model, moved.stage_model) as stage_model, coalesce(stage_months.month, moved.month) as month, coalesce(stage_months.stage, moved.stage) as stage
from stage_months
full outer join moved on stage_months.stage_model = moved.stage_model and stage_months.month = moved.month and stage_months.stage = moved.stage
where coalesce(stage_months.entered_count - stage_months.first_stage_count, 0) <> coalesce(moved.into_count, 0)
    or coalesce(stage_months.exited_count, 0) <> coalesce(moved.out_count, 0)
union all
select stage_model, month, null
from seen
where people_count <> seen_count
