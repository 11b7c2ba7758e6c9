{{ config(meta={'vouches_for': 'timeline_messages'}) }}
-- The messages of the timeline that are kept from night to night equal what a build from scratch says: for a random share of people, others
-- every night, and for all whom rows that came late touch. What vendors'
-- staging makes is told anew each night as it is. A row here is on one side only. After a whole build there is nothing to compare.
-- depends_on: {{ ref('messages') }}, {{ ref('message_events') }}, {{ ref('customer_identifiers') }}
{%- set was = state_was(ref('timeline_messages')) %}
{%- if was is none %}
select 1 as nothing where 1 = 0
{%- else %}
{%- set sample = 'timeline_messages__sample' -%}
{%- do create_scratch(sample, sampled_customers(was)) %}
with anew as ({{ told_messages_of(sample) }}),

kept as (
    select * from {{ ref('timeline_messages') }}
    where customer_id in (select customer_id from {{ sample }}) and source_name not in ('{{ vendor_sources(['messages', 'message_events']) | join("', '") }}')
)

{{ on_one_side('kept', 'anew') }}
{%- endif %}
