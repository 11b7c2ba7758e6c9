-- One row per event of a person in a channel, other than messages: conversations, appointments, consents, advocacy.
with conversations as (select * from {{ ref('conversations') }}),

appointments as (select * from {{ ref('appointments') }}),

assignments as (select * from {{ ref('assignments') }}),

consents as (select * from {{ ref('consents') }}),

advocacy_events as (select * from {{ ref('advocacy_events') }}),

identifiers as (select * from {{ ref('customer_identifiers') }}),

unowned as (
    select
        source_name, brand, 'message_contact' as record_type, contact_ref_type, contact_ref, occurred_at,
        event_type, null as channel, event_id as source_id, null as amount
    from advocacy_events
    union all
    select source_name, brand, 'conversation_contact', contact_ref_type, contact_ref, opened_at, 'conversation_opened', channel, conversation_id, null
    from conversations
    union all
    select source_name, brand, 'conversation_contact', contact_ref_type, contact_ref, first_reply_at, 'conversation_answered', channel, conversation_id, null
    from conversations
    where first_reply_at is not null
    union all
    select source_name, brand, 'conversation_contact', contact_ref_type, contact_ref, closed_at, 'conversation_closed', channel, conversation_id, null
    from conversations
    where closed_at is not null
    union all
    select
        assignments.source_name, assignments.brand, 'conversation_contact', conversations.contact_ref_type, conversations.contact_ref,
        assignments.assigned_at, 'conversation_assigned', conversations.channel, assignments.assignment_id, null
    from assignments
    inner join conversations
        on assignments.source_name = conversations.source_name and assignments.conversation_id = conversations.conversation_id
    union all
    select source_name, brand, 'conversation_contact', contact_ref_type, contact_ref, booked_at, 'appointment_booked', null, appointment_id, value_amount
    from appointments
    union all
    -- a cancellation bears no time of its own and is told nowhere
    select source_name, brand, 'conversation_contact', contact_ref_type, contact_ref, starts_at, 'appointment_' || status, null, appointment_id, value_amount
    from appointments
    where status in ('kept', 'missed')
),

-- one statement may reach us by several references of a person; it was said once
consent_events as (
    select
        identifiers.customer_id, consents.changed_at as occurred_at, 'consent_' || consents.status as event_type, consents.channel,
        consents.source_name, consents.purpose as source_id, null as amount, max(consents.brand) as brand
    from consents
    inner join identifiers
        on consents.source_name = identifiers.source_name
        and identifiers.record_type = 'message_contact'
        and {{ ref_record_id('consents.contact_ref_type', 'consents.contact_ref') }} = identifiers.record_id
    group by identifiers.customer_id, consents.changed_at, consents.status, consents.channel, consents.source_name, consents.purpose
),

events as (
    select
        identifiers.customer_id, unowned.occurred_at, unowned.event_type, unowned.channel, unowned.source_name, unowned.source_id,
        unowned.amount, unowned.brand
    from unowned
    inner join identifiers
        on unowned.source_name = identifiers.source_name
        and unowned.record_type = identifiers.record_type
        and {{ ref_record_id('unowned.contact_ref_type', 'unowned.contact_ref') }} = identifiers.record_id
    union all
    select * from consent_events
)

select * from events
