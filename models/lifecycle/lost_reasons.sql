-- One row per stage model, business month and way of being lost: how many people went, why, and where from.
with losses as (
    select *, {{ period_start(local_date('lost_at'), 'month') }} as month from {{ ref('losses') }}
),

stage_months as (select * from {{ ref('stage_months') }}),

counts as (
    select
        stage_model, month, lost_stage, lost_reason, stage_before, lead_campaign, first_reply_bucket,
        count(distinct customer_id) as customers_count,
        count(*) as losses_count
    from losses
    group by stage_model, month, lost_stage, lost_reason, stage_before, lead_campaign, first_reply_bucket
),

-- of all stays in the stage before that there were in the month
lost_reasons as (
    select
        counts.*,
        stage_months.at_start_count + stage_months.entered_count as held_before_count,
        {{ ratio('counts.losses_count', '(stage_months.at_start_count + stage_months.entered_count)') }} as drop_off_rate
    from counts
    left join stage_months
        on counts.stage_model = stage_months.stage_model and counts.month = stage_months.month and counts.stage_before = stage_months.stage
)

select * from lost_reasons
