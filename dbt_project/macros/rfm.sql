{# Groups and scores by recency, frequency and money. #}

{#
    The limits in days of RFM groups: declared (vars.rfm_recent_days and its fellows), or, where vars.rfm_limits says own, the shop's own
    (customer.repeat_times), read from the table while a model is compiled, so that they stand in the SQL, and in the version of the rules, as numbers.
#}
{% macro rfm_days() %}
    {%- set declared = {'recent': var('rfm_recent_days'), 'nurture': var('rfm_nurture_days'), 'risk': var('rfm_risk_days')} -%}
    {%- if var('rfm_limits') not in ['declared', 'own'] -%}{{ exceptions.raise_compiler_error("dbt_project.yml, vars.rfm_limits: write declared or own") }}{%- endif -%}
    {%- if var('rfm_limits') == 'own' -%}
        {%- set repeat_times = ref('repeat_times') -%}
        {%- if execute and load_relation(repeat_times) is not none -%}
            {%- set row = run_query('select recent_days, nurture_days, risk_days from ' ~ repeat_times).rows[0] -%}
            {{- return({'recent': row[0] | int, 'nurture': row[1] | int, 'risk': row[2] | int}) -}}
        {%- endif -%}
    {%- endif -%}
    {{- return(declared) -}}
{% endmacro %}

{# The stage models as declared; with own limits the bounds of rfm_map that stand at the declared ones stand at those. #}
{% macro declared_stage_models() %}
    {%- set models = {} -%}
    {%- do models.update(var('stage_models')) -%}
    {%- if var('rfm_limits') == 'own' and 'rfm_map' in models -%}
        {%- set own = rfm_days() -%}
        {%- set recent, nurture, risk = var('rfm_recent_days'), var('rfm_nurture_days'), var('rfm_risk_days') -%}
        {%- set moved = {
            recent - 1: own.recent - 1, recent: own.recent, nurture: own.nurture, nurture + 1: own.nurture + 1, risk: own.risk, risk + 1: own.risk + 1
        } -%}
        {%- set stages = [] -%}
        {%- for stage in models['rfm_map']['stages'] -%}
            {%- set alternatives = [] -%}
            {%- for bounds in stage_alternatives(stage) -%}
                {%- set days = {} -%}
                {%- for end, value in bounds.get('days_since_last_order', {}).items() -%}{%- do days.update({end: moved.get(value, value)}) -%}{%- endfor -%}
                {%- do alternatives.append(dict(bounds, days_since_last_order=days) if days else bounds) -%}
            {%- endfor -%}
            {%- do stages.append(dict(stage, bounds=alternatives)) -%}
        {%- endfor -%}
        {%- do models.update({'rfm_map': dict(models['rfm_map'], stages=stages)}) -%}
    {%- endif -%}
    {{- return(models) -}}
{% endmacro %}

{# The RFM group of a person with an order; see vars.rfm_* for the reading. Without any order it is null. #}
{% macro rfm_segment(recency_days, frequency, aov, store_aov, recent_days=none, nurture_days=none, risk_days=none) -%}
    {%- set is_repeat = frequency ~ " >= " ~ var('rfm_repeat_orders') -%}
    {%- set is_high_value = "coalesce(" ~ aov ~ " >= " ~ store_aov ~ ", false)" -%}
    {%- set days = rfm_days() -%}
    {%- set recent = recent_days or days.recent -%}
    case
        when {{ recency_days }} > {{ risk_days or days.risk }} then 'about_to_lose'
        when {{ recency_days }} > {{ nurture_days or days.nurture }} then 'at_risk'
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
