{# Groups and scores by recency, frequency and money. #}

{# The RFM group of a person with an order; see vars.rfm_* for the reading. Without any order it is null. #}
{% macro rfm_segment(recency_days, frequency, aov, store_aov, recent_days=none, nurture_days=none, risk_days=none) -%}
    {%- set is_repeat = frequency ~ " >= " ~ var('rfm_repeat_orders') -%}
    {%- set is_high_value = "coalesce(" ~ aov ~ " >= " ~ store_aov ~ ", false)" -%}
    {%- set recent = recent_days or var('rfm_recent_days') -%}
    case
        when {{ recency_days }} > {{ risk_days or var('rfm_risk_days') }} then 'about_to_lose'
        when {{ recency_days }} > {{ nurture_days or var('rfm_nurture_days') }} then 'at_risk'
        when {{ recency_days }} >= {{ recent }} and ({{ is_repeat }} or {{ is_high_value }}) then 'high_potential'
        when {{ recency_days }} >= {{ recent }} then 'needs_nurturing'
        when {{ is_repeat }} and {{ is_high_value }} then 'champions'
        when {{ is_repeat }} then 'loyalists'
        when {{ recency_days }} is not null then 'recent'
    end
{%- endmacro %}

{# The fifth that a value falls into when equal values are not split: how many are no better, of all. #}
{% macro unsplit_score(no_better_count, all_count) %}
    {{- return("cast(ceil(cast(5 * " ~ no_better_count ~ " as double) / " ~ all_count ~ ") as integer)") -}}
{% endmacro %}

{# Points from 1 to 5 by four declared bounds: fewer days are better (up to and including a bound), more of anything else is (from a bound on). #}
{% macro fixed_score(dimension, value) -%}
    {%- set bounds = var('rfm_fixed')[dimension] -%}
    {%- if bounds | length != 4 or bounds | sort != bounds -%}
        {{ exceptions.raise_compiler_error("dbt_project.yml, vars.rfm_fixed." ~ dimension ~ ": write four numbers, the smallest first") }}
    {%- endif -%}
    case
        {%- for bound in (bounds if dimension == 'recency_days' else bounds | reverse) %}
        when {{ value }} {{ '<=' if dimension == 'recency_days' else '>=' }} {{ bound }} then {{ 6 - loop.index }}
        {%- endfor %}
        when {{ value }} is not null then 1
    end
{%- endmacro %}
