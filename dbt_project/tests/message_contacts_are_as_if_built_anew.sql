{{ config(meta={'vouches_for': 'message_contacts'}) }}
-- What is kept from night to night equals what a build from scratch says: for a random share of all references, others every night, and for all
-- whom rows that came late touch. A row here is on one side only. After a whole build there is nothing to compare.
-- depends_on: {{ ref('messages') }}, {{ ref('message_events') }}
{%- set was = state_was(ref('message_contacts')) %}
{%- if was is none %}
select 1 as nothing where 1 = 0
{%- else %}
{%- set sample = 'message_contacts__sample' -%}
{%- do create_scratch(sample, sampled_contacts(was)) %}
with anew as ({{ contacted(is_contact_of('messages', sample)) }}),

kept as (select * from {{ ref('message_contacts') }} as kept where {{ is_contact_of('kept', sample) }})

select 'kept' as side, * from (select * from kept except select * from anew) as only_kept
union all
select 'anew' as side, * from (select * from anew except select * from kept) as only_anew
{%- endif %}
