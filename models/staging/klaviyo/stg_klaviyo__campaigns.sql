-- One row per source and campaign of a Klaviyo account, and per message that a flow sends: a flow is the automation of its messages.
with campaigns as (
    {{ current_rows('campaigns', key=['campaign_id'], kind='klaviyo') }}
),

flows as (
    {{ current_rows('flows', key=['flow_id'], kind='klaviyo') }}
),

flow_messages as (
    {{ current_rows('flow_messages', key=['flow_id', 'message_id'], parent_key=['flow_id'], kind='klaviyo') }}
),

states as (select * from {{ ref('klaviyo_states') }}),

sent_once as (
    select
        campaign_id, name, states.channel, cast(null as {{ dbt.type_string() }}) as automation_id, stage, send_at as started_at,
        source_name, brand, loaded_at
    from campaigns
    left join states on states.topic = 'campaign_channel' and states.vendor_state = campaigns.channel
    where not coalesce(is_deleted, false)
),

sent_by_flows as (
    select
        flow_messages.message_id as campaign_id, coalesce(flow_messages.name, flows.name) as name, states.channel, flows.flow_id as automation_id,
        flows.stage, coalesce(flow_messages.created_at, flows.created_at) as started_at,
        flows.source_name, flows.brand, flow_messages.loaded_at
    from flow_messages
    inner join flows on flow_messages.source_name = flows.source_name and flow_messages.flow_id = flows.flow_id
    left join states on states.topic = 'flow_action' and states.vendor_state = flow_messages.action_type
    where not coalesce(flows.is_deleted, false)
),

sent as (
    select * from sent_once
    union all
    select * from sent_by_flows
),

campaigns_of_both as (
    select
        campaign_id,
        name,
        channel,
        automation_id,
        stage,
        cast(null as decimal(18, 4)) as cost_amount,
        cast(null as {{ dbt.type_string() }}) as currency,
        started_at,
        source_name,
        brand,
        loaded_at
    from sent
)

select * from campaigns_of_both
