-- One row per distinct e-mail address as delivered that takes more than trimming and lower case.
with email_addresses as (
    select
        email,
        normalised
    from {{ source('perennial', 'email_addresses') }}
)

select * from email_addresses
