{{ config(meta={'vouches_for': 'timeline_messages'}) }}
-- The messages of the timeline that are kept from night to night equal what a build from scratch says: for a random share of people, others
-- every night, and for all whom rows that came late touch. A row here is on one side only. After a whole build there is nothing to compare.
-- depends_on: {{ ref('messages') }}, {{ ref('message_events') }}, {{ ref('customer_identifiers') }}
{%- set was = state_was(ref('timeline_messages')) %}
{%- if was is none %}
select 1 as nothing where 1 = 0
{%- else %}
{%- set sample = 'timeline_messages__sample' -%}
{%- do create_scratch(sample, sampled_customers(was)) %}
with anew as ({{ told_messages(customers=sample) }}),

kept as (select * from {{ ref('timeline_messages') }} where customer_id in (select customer_id from {{ sample }}))

select 'kept' as side, * from (select * from kept except all select * from anew) as only_kept
union all
select 'anew' as side, * from (select * from anew except all select * from kept) as only_anew
{%- endif %}
