-- One row per source and message that Klaviyo sent to one person, made from what came back of it, and per text message that came in.
with events as (
    {{ klaviyo_events() }}
),

metrics as (
    {{ current_rows('metrics', key=['metric_id'], kind='klaviyo') }}
),

profiles as (
    {{ current_rows('profiles', key=['profile_id'], kind='klaviyo') }}
),

campaign_messages as (
    {{ current_rows('campaign_messages', key=['campaign_id', 'message_id'], parent_key=['campaign_id'], kind='klaviyo') }}
),

states as (select * from {{ ref('klaviyo_states') }}),

told as (
    select
        case when states.meaning = 'inbound' then events.event_id else events.first_send_id end as message_id,
        events.first_profile_id as profile_id, states.channel, states.meaning = 'inbound' as is_inbound, events.message_id as sent_message_id,
        events.flow_id, events.variation_id, events.sent_at, events.occurred_at, events.source_name, events.brand, events.loaded_at
    from events
    inner join metrics on events.source_name = metrics.source_name and events.metric_id = metrics.metric_id
    inner join states on states.topic = 'metric' and states.vendor_state = metrics.name
    where states.meaning = 'inbound' or (events.first_send_id is not null and states.meaning <> 'subscribed')
),

sends as (
    select
        message_id, source_name, brand, min(profile_id) as profile_id, min(channel) as channel, max(is_inbound) as is_inbound,
        min(sent_message_id) as sent_message_id, min(flow_id) as flow_id, min(variation_id) as variation_id,
        -- an event that does not say when its message was sent came at that time or later
        coalesce(min(sent_at), min(occurred_at)) as sent_at,
        min(loaded_at) as loaded_at
    from told
    group by message_id, source_name, brand
),

campaigns as (
    select source_name, message_id, min(campaign_id) as campaign_id
    from campaign_messages
    group by source_name, message_id
),

messages as (
    select
        sends.message_id,
        {{ klaviyo_ref('sends.channel', 'profiles') }} as contact_ref,
        {{ klaviyo_ref_type('sends.channel', 'profiles') }} as contact_ref_type,
        sends.channel,
        case when sends.is_inbound then 'inbound' else 'outbound' end as direction,
        -- a flow's message is a campaign of its own; so was every message before campaigns had several
        coalesce(campaigns.campaign_id, sends.sent_message_id) as campaign_id,
        sends.flow_id as automation_id,
        sends.variation_id as variant_id,
        cast(null as {{ dbt.type_string() }}) as conversation_id,
        case when sends.is_inbound then null when sends.flow_id is not null then 'automation' else 'human' end as sent_by,
        sends.sent_at,
        sends.source_name,
        sends.brand,
        sends.loaded_at
    from sends
    left join profiles on sends.source_name = profiles.source_name and sends.profile_id = profiles.profile_id
    left join campaigns on sends.source_name = campaigns.source_name and sends.sent_message_id = campaigns.message_id
)

select * from messages
