-- One row per source and line of a checkout. Lines follow their checkout where they are joined to it.
with delivered as (select * from {{ ref('stg_contract__shop_checkout_lines') }})

select * from delivered
