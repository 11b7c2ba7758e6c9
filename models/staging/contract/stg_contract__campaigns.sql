-- One row per source and campaign: the version that counts.
with landed as (
    {{ current_rows('campaigns', key=['campaign_id']) }}
),

campaigns as (
    select
        campaign_id,
        name,
        channel,
        automation_id,
        stage,
        cost_amount,
        currency,
        started_at,
        source_name,
        brand,
        loaded_at
    from landed
)

select * from campaigns
