-- One row per pair of records that somebody has linked or held apart by hand.
with identity_pins as (select * from {{ ref('stg_perennial__identity_pins') }})

select * from identity_pins
