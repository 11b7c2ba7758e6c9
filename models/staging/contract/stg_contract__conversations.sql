-- One row per source and conversation: the version that counts.
with landed as (
    {{ current_rows('conversations', key=['conversation_id']) }}
),

conversations as (
    select
        conversation_id,
        contact_ref,
        contact_ref_type,
        channel,
        opened_at,
        first_reply_at,
        first_human_reply_at,
        closed_at,
        owner_id,
        close_reason,
        source_campaign,
        source_name,
        brand,
        loaded_at
    from landed
)

select * from conversations
