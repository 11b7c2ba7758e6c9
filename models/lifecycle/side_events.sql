-- One row per event of a person, other than an order, that stages can be made of; `fact` names what it changes.
-- Facts that no declared stage speaks of are not gathered.
with people as (select customer_id, first_seen_at from {{ ref('people') }}),

identifiers as (select * from {{ ref('customer_identifiers') }}),

acts as (select * from {{ ref('advocacy_acts') }}),

conversations as (select * from {{ ref('conversations') }}),

messages as (select * from {{ ref('messages') }} where direction = 'inbound'),

stage_changes as (select * from {{ ref('crm_stage_changes') }}),

deals as (select * from {{ ref('crm_deals') }}),

unowned as (
    select
        source_name, 'conversation_contact' as record_type, {{ ref_record_id('contact_ref_type', 'contact_ref') }} as record_id,
        opened_at as occurred_at, 'conversation' as fact, conversation_id as event_id, cast(null as {{ dbt.type_string() }}) as stage
    from conversations
    where {{ 'true' if bounds_of('conversations_count') else 'false' }}
    union all
    select
        source_name, 'message_contact', {{ ref_record_id('contact_ref_type', 'contact_ref') }},
        sent_at, 'inbound_message', message_id, null
    from messages
    where {{ 'true' if bounds_of('inbound_messages_count') or bounds_of('days_since_last_inbound') else 'false' }}
    union all
    select source_name, 'crm_contact', contact_id, changed_at, 'source_stage', change_id, coalesce({{ source_stage_name('to_stage') }}, '')
    from stage_changes
    where {{ 'true' if bounds_of('source_stage') else 'false' }}
    union all
    select source_name, 'crm_contact', contact_id, created_at, 'deal_opened', deal_id, null
    from deals
    where {{ 'true' if bounds_of('open_deals_count') else 'false' }}
    union all
    select source_name, 'crm_contact', contact_id, closed_at, 'deal_closed', deal_id, null
    from deals
    where closed_at is not null and status in ('won', 'lost') and {{ 'true' if bounds_of('open_deals_count') else 'false' }}
),

owned as (
    select identifiers.customer_id, unowned.occurred_at, unowned.fact, unowned.source_name, unowned.event_id, unowned.stage
    from unowned
    inner join identifiers
        on unowned.source_name = identifiers.source_name
        and unowned.record_type = identifiers.record_type
        and unowned.record_id = identifiers.record_id
    union all
    select customer_id, occurred_at, 'advocacy', source_name, event_id, null
    from acts
    where {{ 'true' if bounds_of('advocacy_count') else 'false' }}
),

-- a history begins when the person is first seen: what is dated before that held from the beginning
side_events as (
    select
        owned.customer_id, owned.occurred_at as told_at, greatest(owned.occurred_at, people.first_seen_at) as occurred_at, owned.fact, owned.source_name, owned.event_id,
        owned.stage
    from owned
    inner join people on owned.customer_id = people.customer_id
)

select * from side_events
