{%- set goes_on = state_following(ref('message_contacts'), clicks_definition()) -%}
{{ config(materialized=kept_materialization(), pre_hook="{{ clicks_cleared() }}", post_hook="{{ state_marked() }}") }}
-- One row per click of a human on a message of a campaign.
-- Kept from night to night: the clicks on messages that the night read are made anew.
-- depends_on: {{ ref('messages') }}, {{ ref('message_events') }}
{%- if not goes_on %}
{{ clicks_on_campaigns() }}
{%- else %}
{%- set contacts, vendors = ref('message_contacts'), vendor_sources(['messages', 'message_events']) -%}
{%- set made_anew = "('" ~ vendors | join("', '") ~ "')" %}
with clicks as ({{ clicks_on_campaigns("source_name not in " ~ made_anew, beside('messages', contacts), beside('events', contacts)) }})

select * from clicks
{%- if vendors %}
union all
select * from ({{ clicks_on_campaigns("source_name in " ~ made_anew) }}) as made_anew
{%- endif %}
{%- endif %}
