-- One row per source and campaign of an Omnisend brand, and per automation, which is the automation of its messages.
with campaigns as (
    {{ current_rows('campaigns', key=['campaign_id'], kind='omnisend') }}
),

automations as (
    {{ current_rows('automations', key=['automation_id'], kind='omnisend') }}
),

states as (select * from {{ ref('omnisend_states') }}),

sent_by_hand as (
    select
        campaign_id, name, states.meaning as channel, cast(null as {{ dbt.type_string() }}) as automation_id, started_at,
        source_name, brand, loaded_at
    from campaigns
    left join states on states.topic = 'campaign_channel' and states.vendor_state = campaigns.channel
    where not coalesce(is_deleted, false)
),

sent_by_rule as (
    select
        automation_id as campaign_id, name, states.meaning as channel, automation_id, created_at as started_at, source_name, brand, loaded_at
    from automations
    left join states on states.topic = 'automation_action' and states.vendor_state = automations.first_send
    where not coalesce(is_deleted, false)
),

sent as (
    select * from sent_by_hand
    union all
    select * from sent_by_rule
),

campaigns_of_both as (
    select
        campaign_id,
        name,
        channel,
        automation_id,
        cast(null as {{ dbt.type_string() }}) as stage,
        cast(null as decimal(18, 4)) as cost_amount,
        cast(null as {{ dbt.type_string() }}) as currency,
        started_at,
        source_name,
        brand,
        loaded_at
    from sent
)

select * from campaigns_of_both
