{%- set goes_on = state_following(ref('orders'), numbered_orders()) -%}
{{ config(materialized=kept_materialization(), pre_hook="{{ changed_people_cleared(ref('orders')) }}", post_hook="{{ state_marked() }}") }}
-- One row per valid order of a known person, in the person's own order.
-- Kept from night to night: the people whose orders the night touched are made anew.
{{ numbered_orders("customer_id in (select customer_id from " ~ beside('changed', ref('orders')) ~ ")" if goes_on else none) }}
