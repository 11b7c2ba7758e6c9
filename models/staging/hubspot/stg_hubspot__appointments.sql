-- One row per source and meeting of a HubSpot account: the version that counts.
with landed as (
    {{ current_rows('meetings', key=['meeting_id'], kind='hubspot') }}
),

states as (select * from {{ ref('hubspot_states') }}),

appointments as (
    select
        meeting_id as appointment_id,
        contact_id as contact_ref,
        'contact_id' as contact_ref_type,
        case when outcome is null then 'booked' else states.meaning end as status,
        created_at as booked_at,
        starts_at,
        value_amount,
        currency,
        source_name,
        brand,
        loaded_at
    from landed
    left join states on states.topic = 'meeting_outcome' and landed.outcome = states.vendor_state
    where not coalesce(is_deleted, false)
)

select * from appointments
