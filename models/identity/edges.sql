{% set rules = var('identity_rules') %}
-- One row per pair of records that a rule links, with the rule, its strength and its evidence.
with linked as (
    select node, linked_node, rule, 'certain' as strength, evidence from {{ ref('certain_edges') }}
    {%- for rule, strength in rules.items() if strength != 'certain' %}
    union all
    select node, linked_node, '{{ rule }}' as rule, '{{ strength }}' as strength, evidence from {{ ref(rule) }}
    {%- endfor %}
)

select * from linked
