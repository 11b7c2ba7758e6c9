-- One row per source and campaign, as known before as_of.
with delivered as ({{ delivered('campaigns') }}),

known as (
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
    from delivered
    where started_at < {{ as_of() }} or started_at is null
)

select * from known
