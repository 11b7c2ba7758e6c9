-- One row per source, record type and contact reference: everybody a message, conversation, consent or appointment points at.
with message_contacts as (select * from {{ ref('message_contacts') }}),

consents as (select * from {{ ref('consents') }}),

advocacy_events as (select * from {{ ref('advocacy_events') }}),

conversations as (select * from {{ ref('conversations') }}),

appointments as (select * from {{ ref('appointments') }}),

pointers as (
    select
        source_name, 'message_contact' as record_type, contact_ref_type, contact_ref, first_message_at as seen_at, first_loaded_at as loaded_at,
        -- an address that is read and answered from is in use; to be sent something is not to use it
        greatest(first_message_at, last_opened_at, last_clicked_at, last_reply_at) as used_at
    from message_contacts
    union all
    select source_name, 'message_contact', contact_ref_type, contact_ref, changed_at, loaded_at, changed_at from consents
    union all
    select source_name, 'message_contact', contact_ref_type, contact_ref, occurred_at, loaded_at, occurred_at from advocacy_events
    union all
    select source_name, 'conversation_contact', contact_ref_type, contact_ref, opened_at, loaded_at, opened_at from conversations
    union all
    select source_name, 'conversation_contact', contact_ref_type, contact_ref, booked_at, loaded_at, booked_at from appointments
),

refs as (
    select
        source_name, record_type, contact_ref_type, contact_ref,
        {{ ref_record_id('contact_ref_type', 'contact_ref') }} as record_id,
        min(seen_at) as seen_at,
        min(loaded_at) as loaded_at,
        max(used_at) as used_at
    from pointers
    where contact_ref is not null and contact_ref_type is not null
    group by source_name, record_type, contact_ref_type, contact_ref
)

select * from refs
