-- Days, weeks and months each hold every valid order once. (Refunds may be older than the first order, so they are left out.)
with trading_periods as (select * from {{ ref('trading_periods') }} where dimension = 'all'),

orders as (select count(*) as orders_count, count(customer_id) as known_orders_count from {{ ref('orders') }}),

totals as (
    select grain, sum(orders_count) as orders_count, sum(known_orders_count) as known_orders_count
    from trading_periods
    group by grain
)

select totals.grain, totals.orders_count, orders.orders_count as delivered_count
from totals
cross join orders
where totals.orders_count <> orders.orders_count or totals.known_orders_count <> orders.known_orders_count
