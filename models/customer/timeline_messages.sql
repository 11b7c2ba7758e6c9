{%- set goes_on = state_following(ref('message_contacts'), timeline_definition()) -%}
{{ config(materialized=kept_materialization(), pre_hook="{{ timeline_cleared() }}", post_hook=["{{ state_marked() }}", "{{ timeline_owners_noted() }}"]) }}
-- One row per message of a person, and per thing that became of one.
-- Kept from night to night: a night tells anew what it touches, and the messages of people whose records moved.
-- depends_on: {{ ref('messages') }}, {{ ref('message_events') }}, {{ ref('customer_identifiers') }}
{%- if not goes_on %}
with told as ({{ told_messages() }})

select * from told
{%- else %}
{%- set contacts, vendors = ref('message_contacts'), vendor_sources(['messages', 'message_events']) -%}
{%- set since = state_was(contacts) -%}
{%- set made_anew = "('" ~ vendors | join("', '") ~ "')" -%}
{%- set moved = "(select customer_id from " ~ scratch_of('moved') ~ ")" -%}
{%- set are_moved = note_touched_timeline(since) %}
with told as ({{ told_messages(
    "source_name not in " ~ made_anew, "customer_id not in " ~ moved, beside('messages', contacts), beside('events', contacts), timeline_news(since)
) }})

select * from told
{%- if are_moved %}
union all
select * from ({{ told_messages_of(scratch_of('moved')) }}) as moved
{%- endif %}
{%- if vendors %}
union all
select * from ({{ told_messages("source_name in " ~ made_anew) }}) as made_anew
{%- endif %}
{%- endif %}
