-- One row per pair of records that somebody has linked or held apart by hand: where apart, the first is the one set aside.
with pins as (select * from {{ ref('identity_pins') }}),

records as (select * from {{ ref('records') }}),

pinned as (
    select pins.pin_id, pins.action, one.node, other.node as linked_node
    from pins
    inner join records as one
        on pins.source_name = one.source_name and pins.record_type = one.record_type and pins.record_id = one.record_id
    inner join records as other
        on pins.other_source_name = other.source_name
        and pins.other_record_type = other.record_type
        and pins.other_record_id = other.record_id
)

select * from pinned
