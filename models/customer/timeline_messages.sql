{%- set since = state_since(['messages', 'message_events'], timeline_definition()) -%}
{{ config(materialized=kept_materialization(), pre_hook="{{ timeline_cleared() }}", post_hook=["{{ state_marked() }}", "{{ timeline_owners_noted() }}"]) }}
-- One row per message of a person, and per thing that became of one.
-- Kept from night to night: a night tells anew what it touches, and the messages of people whose records moved.
-- depends_on: {{ ref('messages') }}, {{ ref('message_events') }}, {{ ref('customer_identifiers') }}
{%- if since is none %}
with told as ({{ told_messages() }})

select * from told
{%- else %}
{%- do note_touched_timeline(since) -%}
{%- set vendors = vendor_sources(['messages', 'message_events']) %}
with told as ({{ told_messages(touched=scratch_of('touched')) }})

select * from told
{%- if vendors %}
union all
select * from ({{ told_messages(condition="source_name in ('" ~ vendors | join("', '") ~ "')") }}) as made_anew
{%- endif %}
{%- endif %}
