-- One row per source and deal of a HubSpot account: the version that counts.
with landed as (
    {{ current_rows('deals', key=['deal_id'], kind='hubspot') }}
),

stages as (
    {{ current_rows('deal_stages', key=['pipeline_id', 'stage_id'], kind='hubspot') }}
),

closed as (
    select
        deal_id, contact_id, coalesce(stages.label, landed.stage_id) as stage, amount, currency, lost_reason, created_at, closes_at,
        landed.updated_at, landed.source_name, landed.brand, landed.loaded_at,
        case
            when coalesce(landed.is_won, stages.is_closed and stages.probability = 1) then 'won'
            when coalesce(landed.is_closed, stages.is_closed) then 'lost'
            else 'open'
        end as status
    from landed
    left join stages
        on
            landed.source_name = stages.source_name
            and landed.pipeline_id = stages.pipeline_id and landed.stage_id = stages.stage_id
    where not coalesce(landed.is_deleted, false)
),

crm_deals as (
    select
        deal_id,
        contact_id,
        stage,
        status,
        amount,
        currency,
        case when status = 'lost' then lost_reason end as lost_reason,
        created_at,
        -- an open deal's closing date is only hoped for
        case when status <> 'open' then closes_at end as closed_at,
        updated_at,
        source_name,
        brand,
        loaded_at
    from closed
)

select * from crm_deals
