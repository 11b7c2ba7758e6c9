{{ config(meta={'vouches_for': 'stage_history'}) }}
-- The stage history kept from night to night, and the side events under it, equal what a build from scratch says: for a random share of all people,
-- others every night. A row here is on one side only. After a whole build there is nothing to compare.
-- depends_on: {{ history_reads() }}, {{ ref('stage_history') }}
{%- if not history_was_continued() %}
select 1 as nothing where 1 = 0
{%- else %}
{%- set sample, events, orders, sides, facts, anew = 'history__sample', 'history__events', 'history__orders', 'history__sides', 'history__facts', 'history__anew' -%}
{%- do create_scratch(sample, history_sample()) -%}
{%- set theirs = "customer_id in (select customer_id from " ~ sample ~ ")" -%}
{%- do create_scratch(events, told_events([{'people': theirs}])) -%}
{%- set states = order_states("(select * from " ~ ref('people') ~ " where " ~ theirs ~ ") as people",
    "(select * from " ~ ref('customer_orders') ~ " where " ~ theirs ~ ") as customer_orders", ref('customer_orders')) -%}
{%- do create_scratch(orders, order_changes("(" ~ states ~ ") as order_states")) -%}
{%- do create_scratch(sides, side_changes(events)) -%}
{%- do create_scratch(facts, fact_changes(orders, sides, events)) -%}
{%- do create_scratch(anew, stays(facts)) %}
with kept_events as (select * from {{ ref('side_events') }} where {{ theirs }}),

kept_stays as (select * from {{ ref('stage_history') }} where {{ theirs }})

{%- for table, made, kept in [('side_events', events, 'kept_events'), ('stage_history', anew, 'kept_stays')] %}
select '{{ table }}' as table_name, 'kept' as side, customer_id from (select * from {{ kept }} except all select * from {{ made }}) as only_kept
union all
select '{{ table }}', 'anew', customer_id from (select * from {{ made }} except all select * from {{ kept }}) as only_anew
{{ 'union all' if not loop.last }}
{%- endfor %}
{%- endif %}
