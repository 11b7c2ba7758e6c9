-- One row per order with at least one line that counts: Σ(quantity × price − discount) over lines with both above 0.
with lines as (select * from {{ ref('shop_order_lines') }}),

revenue as (
    select
        source_name, order_id,
        cast(sum(quantity * unit_price_amount - coalesce(discount_amount, 0)) as decimal(18, 4)) as revenue_amount
    from lines
    where quantity > 0 and unit_price_amount > 0
    group by source_name, order_id
)

select * from revenue
