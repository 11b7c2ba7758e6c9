-- One row per source and appointment: the version that counts.
with landed as (
    {{ current_rows('appointments', key=['appointment_id']) }}
),

appointments as (
    select
        appointment_id,
        contact_ref,
        contact_ref_type,
        status,
        booked_at,
        starts_at,
        value_amount,
        currency,
        source_name,
        brand,
        loaded_at
    from landed
)

select * from appointments
