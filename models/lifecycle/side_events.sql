{%- set since = history_goes_on() -%}
{{ config(materialized=kept_materialization(), pre_hook="{{ history_events_cleared() }}", post_hook="{{ history_marked() }}") }}
-- One row per event of a person, other than an order, that stages can be made of; `fact` names what it changes.
-- Facts that no declared stage speaks of are not gathered. Kept from night to night: a night adds what happened since, and all of those who are
-- remade whole.
{%- if since is none %}
{{ told_events() }}
{%- else %}
{{ told_events([{'told': "occurred_at >= " ~ since, 'people': history_people('whole', 'continued')}, {'told': "occurred_at < " ~ since, 'people': history_people('whole')}]) }}
{%- endif %}
