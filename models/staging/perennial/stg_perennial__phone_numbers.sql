-- One row per distinct phone number and country as delivered.
with phone_numbers as (
    select
        phone,
        country,
        e164,
        has_extension
    from {{ source('perennial', 'phone_numbers') }}
)

select * from phone_numbers
