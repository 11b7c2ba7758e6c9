{{ config(meta={'vouches_for': 'campaign_clicks'}) }}
-- The clicks that are kept from night to night equal what a build from scratch says, for a random share of messages, others every night.
-- A row here is on one side only. After a whole build there is nothing to compare.
-- depends_on: {{ ref('messages') }}, {{ ref('message_events') }}, {{ ref('message_contacts') }}
{{ check_following(ref('campaign_clicks'), clicks_on_campaigns(is_drawn('message_id')), 'message_id') }}
