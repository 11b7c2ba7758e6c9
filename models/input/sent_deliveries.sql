-- One row per delivery to a channel, with its receipt.
with deliveries as (select * from {{ ref('stg_perennial__deliveries') }})

select * from deliveries
