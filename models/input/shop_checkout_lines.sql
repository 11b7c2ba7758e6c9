-- One row per source and line of a checkout. Lines follow their checkout where they are joined to it.
with delivered as ({{ delivered('shop_checkout_lines') }})

select * from delivered
