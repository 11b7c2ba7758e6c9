-- One row per stage model, business month and move: how many people moved from a stage to another, and how long they had stayed.
with stage_history as (
    select * from {{ ref('stage_history') }} where previous_stage is not null and valid_from < {{ as_of() }}
),

moves as (
    select
        stage_model, customer_id, previous_stage as from_stage, stage as to_stage,
        {{ period_start(local_date('valid_from'), 'month') }} as month,
        {{ elapsed_days('previous_from', 'valid_from') }} as stayed_days
    from stage_history
),

stage_transitions as (
    select
        stage_model, month, from_stage, to_stage,
        count(distinct customer_id) as customers_count,
        count(*) as moves_count,
        percentile_cont(0.5) within group (order by stayed_days) as median_days,
        percentile_cont(0.9) within group (order by stayed_days) as p90_days
    from moves
    group by stage_model, month, from_stage, to_stage
)

select * from stage_transitions
