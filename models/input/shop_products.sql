-- One row per source and product of a shop.
with delivered as (select * from {{ ref('stg_contract__shop_products') }})

select * from delivered
