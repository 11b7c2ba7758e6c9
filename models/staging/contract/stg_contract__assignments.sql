-- One row per source and assignment of a conversation: the version that counts.
with landed as (
    {{ current_rows('assignments', key=['assignment_id']) }}
),

assignments as (
    select
        assignment_id,
        conversation_id,
        owner_id,
        team,
        assigned_at,
        source_name,
        brand,
        loaded_at
    from landed
)

select * from assignments
