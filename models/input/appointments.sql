-- One row per source and appointment, as known before as_of.
with delivered as ({{ delivered('appointments') }}),

known as (
    select
        -- nobody has kept or missed an appointment that starts at as_of or later
        appointment_id,
        {{ real_contact_ref('contact_ref', 'contact_ref_type') }} as contact_ref,
        contact_ref_type,
        case when starts_at >= {{ as_of() }} and status in ('kept', 'missed') then 'booked' else status end as status,
        booked_at,
        starts_at,
        value_amount,
        currency,
        source_name,
        brand,
        loaded_at
    from delivered
    where booked_at < {{ as_of() }}
)

select * from known
