-- One row per pair of records that somebody has linked or held apart by hand.
with identity_pins as (
    select
        pin_id,
        action,
        source_name,
        record_type,
        record_id,
        other_source_name,
        other_record_type,
        other_record_id,
        pinned_by,
        pinned_at,
        reason
    from {{ source('perennial', 'identity_pins') }}
)

select * from identity_pins
