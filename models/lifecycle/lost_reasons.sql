-- One row per stage model, business month and way of being lost: how many people went, why, and where from.
with losses as (
    select *, {{ period_start(local_date('lost_at'), 'month') }} as month from {{ ref('losses') }}
),

lost_reasons as (
    select
        stage_model, month, lost_stage, lost_reason, stage_before, lead_campaign, first_reply_bucket,
        count(distinct customer_id) as customers_count
    from losses
    group by stage_model, month, lost_stage, lost_reason, stage_before, lead_campaign, first_reply_bucket
)

select * from lost_reasons
