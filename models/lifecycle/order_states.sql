{{ config(materialized='view') }}
-- One row per person and number of orders held for some time: from first sight to the first order, then from order to order.
-- was_ columns say what held just before, as far as this order's own row tells; from that, most of what moves nobody is known without sorting.
{{ order_states(ref('people'), ref('customer_orders')) }}
