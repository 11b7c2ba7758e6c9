-- One row per person whom a campaign brought: its first and its last touch up to their first order, or up to as_of where they have none.
with site_events as (select * from {{ ref('site_events') }} where utm_source is not null or utm_campaign is not null),

clicks as (select * from {{ ref('campaign_clicks') }}),

conversations as (select * from {{ ref('conversations') }} where source_campaign is not null),

contacts as (select * from {{ ref('crm_contacts') }} where (lead_source is not null or lead_campaign is not null) and created_at is not null),

identity_map as (select * from {{ ref('identity_map') }}),

-- a visit that names a campaign, a human's click on its message, a conversation it opened, a lead it made; to be sent something is no touch
signs as (
    select
        source_name,
        {{ visit_record_type() }} as record_type,
        {{ visit_record_id() }} as record_id,
        occurred_at as touched_at, utm_source as touch_source, utm_campaign as campaign
    from site_events
    union all
    select source_name, 'message_contact', record_id, clicked_at, channel, campaign
    from clicks
    union all
    select source_name, 'conversation_contact', {{ ref_record_id('contact_ref_type', 'contact_ref') }}, opened_at, channel, source_campaign
    from conversations
    union all
    select source_name, 'crm_contact', contact_id, created_at, lead_source, lead_campaign
    from contacts
),

touches as (
    select identity_map.customer_id, signs.touched_at, signs.touch_source, signs.campaign
    from signs
    inner join identity_map
        on signs.source_name = identity_map.source_name
        and signs.record_type = identity_map.record_type
        and signs.record_id = identity_map.record_id
),

order_totals as (select customer_id, first_order_at from {{ ref('order_totals') }}),

-- what a campaign does to somebody who is a customer already did not bring them
bringing as (
    select
        touches.customer_id, touches.touched_at, touches.touch_source, touches.campaign,
        (touches.touched_at, coalesce(touches.touch_source, ''), coalesce(touches.campaign, '')) as touch_key
    from touches
    left join order_totals on touches.customer_id = order_totals.customer_id
    where order_totals.first_order_at is null or touches.touched_at <= order_totals.first_order_at
),

-- one touch's source and campaign, also where it names but one of the two: engines pass over a null
touch_points as (
    select
        customer_id,
        min(touched_at) as first_touch_at,
        nullif(min_by(coalesce(touch_source, ''), touch_key), '') as first_touch_source,
        nullif(min_by(coalesce(campaign, ''), touch_key), '') as first_touch_campaign,
        max(touched_at) as last_touch_at,
        nullif(max_by(coalesce(touch_source, ''), touch_key), '') as last_touch_source,
        nullif(max_by(coalesce(campaign, ''), touch_key), '') as last_touch_campaign
    from bringing
    group by customer_id
)

select * from touch_points
