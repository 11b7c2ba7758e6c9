{% set rules = ['same_email', 'same_phone', 'merged_contact', 'contact_ref', 'shared_id', 'site_visit'] %}
-- One row per pair of records that a rule links, with the rule and its evidence.
with linked as (
    {%- for rule in rules %}
    select node, linked_node, '{{ rule }}' as rule, evidence from {{ ref(rule) }}
    {%- if not loop.last %} union all {%- endif %}
    {%- endfor %}
)

select * from linked
