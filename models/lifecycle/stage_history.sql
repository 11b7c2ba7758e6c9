{%- do history_reads() -%}
{%- set since = history_goes_on() -%}
{{ config(materialized=kept_materialization(), pre_hook="{{ history_stays_cleared() }}", post_hook="{{ history_marked() }}") }}
-- One row per stay: a person in a stage of a stage model, from valid_from until valid_to (null = still there).
-- Kept from night to night: a night remakes only those of whom something changed, and of most of them only what came since.
{%- if since is none %}
{{ stays(ref('fact_changes')) }}
{%- else %}
{%- set remade = this.identifier ~ '__remade' -%}
{%- do create_scratch(remade, history_remade_stays(since)) %}
select customer_id, stage_model, stage, kind, lost_reason, valid_from, valid_to, previous_stage, previous_from, cause_event_id, rule_version
from {{ remade }}
where not is_ground
{%- endif %}
