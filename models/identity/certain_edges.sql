{% set rules = var('identity_rules') %}
-- One row per pair of records that a system itself holds to be one person, with the rule and its evidence.
with linked as (
    {%- for rule, strength in rules.items() if strength == 'certain' %}
    select node, linked_node, '{{ rule }}' as rule, evidence from {{ ref(rule) }}
    {%- if not loop.last %} union all {%- endif %}
    {%- endfor %}
),

separated as (select node, linked_node from {{ ref('pinned_pairs') }} where action = 'unlink'),

-- what a system says of two records counts for nothing where somebody has held these two apart
kept as (
    select linked.*
    from linked
    left join separated
        on least(linked.node, linked.linked_node) = least(separated.node, separated.linked_node)
        and greatest(linked.node, linked.linked_node) = greatest(separated.node, separated.linked_node)
    where separated.node is null
)

select * from kept
