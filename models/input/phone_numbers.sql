-- One row per distinct phone number and country as delivered.
with phone_numbers as (select * from {{ ref('stg_perennial__phone_numbers') }})

select * from phone_numbers
