-- One row per pair of records that somebody has held apart: the one that is set aside, and the one it is not.
with pins as (select * from {{ ref('identity_pins') }} where action = 'unlink'),

records as (select * from {{ ref('records') }}),

separated as (
    select pins.pin_id, one.node, other.node as other_node
    from pins
    inner join records as one
        on pins.source_name = one.source_name and pins.record_type = one.record_type and pins.record_id = one.record_id
    inner join records as other
        on pins.other_source_name = other.source_name
        and pins.other_record_type = other.record_type
        and pins.other_record_id = other.record_id
)

select * from separated
