-- One row per source and review, referral, survey answer or loyalty event: the version that counts.
with landed as (
    {{ current_rows('advocacy_events', key=['event_id']) }}
),

advocacy_events as (
    select
        event_id,
        contact_ref,
        contact_ref_type,
        event_type,
        score,
        occurred_at,
        source_name,
        brand,
        loaded_at
    from landed
)

select * from advocacy_events
