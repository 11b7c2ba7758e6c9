-- One row per person and stage model: the stage held at as_of, since when, and what to do next.
with stage_history as (select * from {{ ref('stage_history') }} where valid_to is null),

customer_stages as (
    select
        customer_id, stage_model, stage, kind, valid_from as entered_at, lost_reason,
        {{ by_stage_model('label') }} as stage_label,
        {{ by_stage_model('next_action') }} as next_action
    from stage_history
)

select * from customer_stages
