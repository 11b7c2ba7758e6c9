{%- set since = state_since(order_tables(), orders_definition()) -%}
{{ config(
    materialized=kept_materialization(),
    pre_hook=["{{ orders_cleared() }}", "{{ joins_as_written() }}"],
    post_hook=["{{ joins_as_planned() }}", "{{ orders_noted() }}", "{{ state_marked() }}"]
) }}
-- One row per valid order, whoever placed it; customer_id is null where nothing tells who that was.
-- Kept from night to night: a night makes anew the orders that it touches, and those of records that moved.
-- depends_on: {{ ref('shop_orders') }}, {{ ref('shop_order_lines') }}, {{ ref('shop_refunds') }}
-- depends_on: {{ ref('line_sources') }}, {{ ref('identity_map') }}, {{ ref('rates') }}
{%- if since is not none %}{% do note_touched_orders(since) %}{% endif %}
{{ valid_orders(scratch_of('touched') if since is not none else none) }}
