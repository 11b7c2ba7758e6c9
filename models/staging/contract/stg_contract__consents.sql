-- One row per source and statement of consent: the version that counts.
with landed as (
    {{ current_rows('consents', key=['contact_ref_type', 'contact_ref', 'channel', 'purpose', 'changed_at', 'status']) }}
),

consents as (
    select
        contact_ref,
        contact_ref_type,
        channel,
        purpose,
        status,
        changed_at,
        jurisdiction,
        evidence,
        source_name,
        brand,
        loaded_at
    from landed
)

select * from consents
