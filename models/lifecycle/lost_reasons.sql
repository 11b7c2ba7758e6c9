-- One row per stage model, business month and way of being lost: how many people went, why, and where from.
-- Campaign and first reply are filled once CRM stages make a history; until then no stage is of kind lost.
with stage_history as (select * from {{ ref('stage_history') }} where kind = 'lost' and valid_from < {{ as_of() }}),

losses as (
    select
        customer_id, stage_model, stage as lost_stage, lost_reason, previous_stage as stage_before,
        {{ period_start(local_date('valid_from'), 'month') }} as month,
        cast(null as {{ dbt.type_string() }}) as lead_campaign,
        cast(null as {{ dbt.type_string() }}) as first_reply_bucket
    from stage_history
),

lost_reasons as (
    select
        stage_model, month, lost_stage, lost_reason, stage_before, lead_campaign, first_reply_bucket,
        count(distinct customer_id) as customers_count
    from losses
    group by stage_model, month, lost_stage, lost_reason, stage_before, lead_campaign, first_reply_bucket
)

select * from lost_reasons
