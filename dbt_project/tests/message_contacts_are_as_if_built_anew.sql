{{ config(meta={'vouches_for': 'message_contacts'}) }}
-- What is kept from night to night equals what a build from scratch says: for a random share of all references, others every night, and for all
-- whom rows that came late touch. What vendors' staging makes is made anew each night as it is. A row here is on one side only. After a whole build
-- there is nothing to compare.
-- depends_on: {{ ref('messages') }}, {{ ref('message_events') }}
{%- set was = state_was(ref('message_contacts')) %}
{%- if was is none %}
select 1 as nothing where 1 = 0
{%- else %}
{%- set sample = 'message_contacts__sample' -%}
{%- do create_scratch(sample, sampled_contacts(was)) %}
{%- set theirs = messages_of_refs(sample ~ '_messages', "select contact_ref from " ~ sample) %}
with anew as ({{ contacted(is_contact_of('messages', sample), messages=theirs.messages, events=theirs.events) }}),

kept as (
    select * from {{ ref('message_contacts') }} as kept
    where {{ is_contact_of('kept', sample) }} and source_name not in ('{{ vendor_sources(['messages', 'message_events']) | join("', '") }}')
)

{{ on_one_side('kept', 'anew') }}
{%- endif %}
