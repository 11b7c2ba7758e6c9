-- One row per source and message sent or received, as known before as_of.
with delivered as ({{ delivered('messages') }}),

known as (
    select
        message_id,
        {{ real_contact_ref('contact_ref', 'contact_ref_type') }} as contact_ref,
        contact_ref_type,
        channel,
        direction,
        campaign_id,
        automation_id,
        variant_id,
        conversation_id,
        sent_by,
        sent_at,
        source_name,
        brand,
        loaded_at
    from delivered
    where sent_at < {{ as_of() }}
)

select * from known
