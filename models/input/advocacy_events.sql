-- One row per source and review, referral, survey answer or loyalty event, as known before as_of.
with delivered as ({{ delivered('advocacy_events') }}),

known as (
    select
        event_id,
        {{ real_contact_ref('contact_ref', 'contact_ref_type') }} as contact_ref,
        contact_ref_type,
        event_type,
        score,
        occurred_at,
        source_name,
        brand,
        loaded_at
    from delivered
    where occurred_at < {{ as_of() }}
)

select * from known
