-- One row per source and product of a shop.
with delivered as ({{ delivered('shop_products') }})

select * from delivered
