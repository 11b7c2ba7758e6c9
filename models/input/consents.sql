{{ config(materialized='table') }}
-- A table, since to plan the views under it takes longer than to read it, and three read it.
-- One row per source and statement of consent, as known before as_of: delivered ones, tick boxes of shops that treat them
-- as consent, and the denials that lie in a message's unsubscribe, complaint or bounce.
with delivered as ({{ delivered('consents') }}),

sources as (select * from {{ ref('sources') }}),

shop_customers as (select * from {{ ref('shop_customers') }}),

messages as (select * from {{ ref('messages') }}),

message_events as (select * from {{ ref('message_events') }}),

campaigns as (select * from {{ ref('campaigns') }}),

ticked as (
    select
        shop_customers.customer_id as contact_ref,
        'customer_id' as contact_ref_type,
        sources.treat_accepts_marketing_as as channel,
        'marketing' as purpose,
        case when shop_customers.accepts_marketing then 'granted' else 'denied' end as status,
        -- nobody knows when it was ticked, and any edit of the record moves its updated_at: a tick counts from the earliest time, so that
        -- an unsubscribe since then stands; an empty box from the latest
        case
            when shop_customers.accepts_marketing then coalesce(shop_customers.created_at, shop_customers.updated_at)
            else coalesce(shop_customers.updated_at, shop_customers.created_at, shop_customers.loaded_at)
        end as changed_at,
        shop_customers.source_name, shop_customers.brand, shop_customers.loaded_at
    from shop_customers
    inner join sources on shop_customers.source_name = sources.source_name
    where sources.treat_accepts_marketing_as is not null and shop_customers.accepts_marketing is not null
),

-- few messages are refused: the `having`, true of every group, tells the planner so, which else holds all messages to find theirs
refusals as (
    select source_name, brand, event_id, message_id, event_type, occurred_at, max(loaded_at) as loaded_at
    from message_events
    where event_type in ('unsubscribed', 'complained', 'bounced')
    group by source_name, brand, event_id, message_id, event_type, occurred_at
    having count(*) > 0
),

refused as (
    select
        messages.contact_ref, messages.contact_ref_type,
        coalesce(messages.channel, campaigns.channel) as channel,
        refusals.event_type, refusals.event_id, refusals.occurred_at as changed_at,
        refusals.source_name, refusals.brand, refusals.loaded_at
    from refusals
    inner join messages
        on refusals.source_name = messages.source_name and refusals.message_id = messages.message_id
    left join campaigns
        on messages.source_name = campaigns.source_name and messages.campaign_id = campaigns.campaign_id
),

-- a withdrawal that names no channel withdraws from every channel that anybody has agreed to
channels as (
    select channel from delivered where status = 'granted'
    union
    select treat_accepts_marketing_as from sources where treat_accepts_marketing_as is not null
),

withdrawn as (
    select
        refused.contact_ref, refused.contact_ref_type, coalesce(refused.channel, channels.channel) as channel,
        refused.event_type, refused.event_id, refused.changed_at, refused.source_name, refused.brand, refused.loaded_at
    from refused
    left join channels on refused.channel is null
),

stated as (
    select
        contact_ref, contact_ref_type, channel, purpose, status, changed_at, jurisdiction, evidence,
        source_name, brand, loaded_at
    from delivered
    union all
    select
        contact_ref, contact_ref_type, channel, purpose, status, changed_at, null, 'accepts_marketing',
        source_name, brand, loaded_at
    from ticked
    union all
    select
        contact_ref, contact_ref_type, channel, 'marketing', 'denied', changed_at, null, event_id,
        source_name, brand, loaded_at
    from withdrawn
    union all
    -- an address that bounces takes no receipt or reminder either
    select
        contact_ref, contact_ref_type, channel, 'transactional', 'denied', changed_at, null, event_id,
        source_name, brand, loaded_at
    from withdrawn
    where event_type = 'bounced'
),

-- a denial dated after its own delivery holds from its delivery on: a wrong clock must not delay it
dated as (
    select
        contact_ref, contact_ref_type, channel, purpose, status,
        case when status = 'denied' then least(changed_at, loaded_at) else changed_at end as changed_at,
        jurisdiction, evidence, source_name, brand, loaded_at
    from stated
),

known as (
    select
        {{ real_contact_ref('contact_ref', 'contact_ref_type') }} as contact_ref,
        contact_ref_type, channel, purpose, status, changed_at, jurisdiction, evidence, source_name, brand, loaded_at
    from dated
    where changed_at < {{ as_of() }}
),

-- what is said about nobody, or about no channel, changes nobody's consent
usable as (
    select * from known
    where contact_ref is not null and channel is not null
)

select * from usable
