{%- set goes_on = state_following(ref('orders'), purchases_definition()) -%}
{{ config(
    materialized=kept_materialization(),
    pre_hook=["{{ changed_people_cleared(ref('orders')) }}", "{{ joins_as_written() }}"], post_hook=["{{ joins_as_planned() }}", "{{ state_marked() }}"]
) }}
-- One row per person and category of goods they bought.
-- Kept from night to night: the people whose orders the night touched are made anew.
-- depends_on: {{ ref('shop_order_lines') }}, {{ ref('shop_products') }}
{{ purchases_by_category("customer_id in (select customer_id from " ~ beside('changed', ref('orders')) ~ ")" if goes_on else none) }}
