-- One row per event of a person in a channel: messages and what became of them, conversations, appointments, consents, advocacy.
with messages as (select * from {{ ref('messages') }}),

message_events as (select * from {{ ref('message_events') }}),

conversations as (select * from {{ ref('conversations') }}),

appointments as (select * from {{ ref('appointments') }}),

consents as (select * from {{ ref('consents') }}),

advocacy_events as (select * from {{ ref('advocacy_events') }}),

identifiers as (select * from {{ ref('customer_identifiers') }}),

unowned as (
    select source_name, 'message_contact' as record_type, contact_ref_type, contact_ref, sent_at as occurred_at, 'message_' || coalesce(direction, 'outbound') as event_type, channel, message_id as source_id, null as amount
    from messages
    union all
    select message_events.source_name, 'message_contact', messages.contact_ref_type, messages.contact_ref, message_events.occurred_at, 'message_' || message_events.event_type, messages.channel, message_events.event_id, null
    from message_events
    inner join messages on message_events.source_name = messages.source_name and message_events.message_id = messages.message_id
    union all
    select source_name, 'message_contact', contact_ref_type, contact_ref, occurred_at, event_type, null, event_id, null
    from advocacy_events
    union all
    select source_name, 'conversation_contact', contact_ref_type, contact_ref, opened_at, 'conversation_opened', channel, conversation_id, null
    from conversations
    union all
    select source_name, 'conversation_contact', contact_ref_type, contact_ref, closed_at, 'conversation_closed', channel, conversation_id, null
    from conversations
    where closed_at is not null
    union all
    select source_name, 'conversation_contact', contact_ref_type, contact_ref, booked_at, 'appointment_booked', null, appointment_id, value_amount
    from appointments
),

-- one statement may reach us by several references of a person; it was said once
consent_events as (
    select distinct
        identifiers.customer_id, consents.changed_at as occurred_at, 'consent_' || consents.status as event_type, consents.channel,
        consents.source_name, consents.purpose as source_id, null as amount
    from consents
    inner join identifiers
        on consents.source_name = identifiers.source_name
        and identifiers.record_type = 'message_contact'
        and {{ ref_record_id('consents.contact_ref_type', 'consents.contact_ref') }} = identifiers.record_id
),

events as (
    select identifiers.customer_id, unowned.occurred_at, unowned.event_type, unowned.channel, unowned.source_name, unowned.source_id, unowned.amount
    from unowned
    inner join identifiers
        on unowned.source_name = identifiers.source_name
        and unowned.record_type = identifiers.record_type
        and {{ ref_record_id('unowned.contact_ref_type', 'unowned.contact_ref') }} = identifiers.record_id
    union all
    select * from consent_events
)

select * from events
