-- One row per source and message sent or received: the version that counts.
with landed as (
    {{ current_rows('messages', key=['message_id']) }}
),

messages as (
    select
        message_id,
        contact_ref,
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
    from landed
)

select * from messages
