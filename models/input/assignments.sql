-- One row per source and assignment of a conversation, as known before as_of.
with delivered as ({{ delivered('assignments') }}),

known as (
    select
        assignment_id,
        conversation_id,
        owner_id,
        team,
        assigned_at,
        source_name,
        brand,
        loaded_at
    from delivered
    where assigned_at < {{ as_of() }}
)

select * from known
