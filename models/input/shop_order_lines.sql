-- One row per source and line of an order. Lines follow their order where they are joined to it.
with delivered as ({{ delivered('shop_order_lines') }})

select * from delivered
