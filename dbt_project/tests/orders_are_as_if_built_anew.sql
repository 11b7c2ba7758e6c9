{{ config(meta={'vouches_for': 'orders'}) }}
-- The orders that are kept from night to night equal what a build from scratch says: for a random share of all, others every night, and for all
-- that a row that came late touches. A row here is on one side only. After a whole build there is nothing to compare.
-- depends_on: {{ ref('shop_orders') }}, {{ ref('shop_order_lines') }}, {{ ref('shop_refunds') }}
-- depends_on: {{ ref('line_sources') }}, {{ ref('identity_map') }}, {{ ref('rates') }}
{%- set was = state_was(ref('orders')) %}
{%- if was is none %}
select 1 as nothing where 1 = 0
{%- else %}
{%- set sample = 'orders__sample' -%}
{%- do create_scratch(sample, sampled_orders(was)) %}
with anew as ({{ valid_orders(sample) }}),

kept as (select * from {{ ref('orders') }} as kept where {{ is_one_of('kept', sample) }})

{{ on_one_side('kept', 'anew') }}
{%- endif %}
