-- One row per source and conversation, as known before as_of.
with delivered as ({{ delivered('conversations') }}),

known as (
    select
        conversation_id,
        {{ real_contact_ref('contact_ref', 'contact_ref_type') }} as contact_ref,
        contact_ref_type,
        channel,
        opened_at,
        {{ undo_later('first_reply_at', 'first_reply_at') }} as first_reply_at,
        {{ undo_later('first_human_reply_at', 'first_human_reply_at') }} as first_human_reply_at,
        {{ undo_later('closed_at', 'closed_at') }} as closed_at,
        owner_id,
        {{ undo_later('close_reason', 'closed_at') }} as close_reason,
        source_campaign,
        source_name,
        brand,
        loaded_at
    from delivered
    where opened_at < {{ as_of() }}
)

select * from known
