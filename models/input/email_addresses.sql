-- One row per distinct e-mail address as delivered that takes more than trimming and lower case.
with email_addresses as (select * from {{ ref('stg_perennial__email_addresses') }})

select * from email_addresses
