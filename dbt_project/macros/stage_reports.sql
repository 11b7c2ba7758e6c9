{# What reports on stages read off vars.stage_models: which stage is later than which, where a sale is made; and Kaplan-Meier. #}

{# The stages of a model in the order in which people are hoped to go. #}
{% macro stage_path(model) %}
    {%- set declared = named_stage_models()[model] -%}
    {%- set active = declared['stages'] | selectattr('kind', 'equalto', 'active') | map(attribute='stage') | list -%}
    {{- return(declared.get('path') or active | reverse | list) -}}
{% endmacro %}

{# Pairs (model, stage, later stage): later is what follows on the path; who left the path (lapsed, lost) has all of it ahead. #}
{% macro later_stages() %}
    {%- set pairs = [] -%}
    {%- for model, declared in named_stage_models().items() -%}
        {%- set path = stage_path(model) -%}
        {%- for stage in declared['stages'] | map(attribute='stage') -%}
            {%- set passed = path.index(stage) + 1 if stage in path else 0 -%}
            {%- for later in path[passed:] -%}{%- do pairs.append((model, stage, later)) -%}{%- endfor -%}
        {%- endfor -%}
    {%- endfor -%}
    {{- return(pairs) -}}
{% endmacro %}

{# Rows (model, stage, its place on the path from 1 on, or 0 off it: all of the path lies ahead), as texts. #}
{% macro stage_places() %}
    {%- set places = [] -%}
    {%- for model, declared in named_stage_models().items() -%}
        {%- set path = stage_path(model) -%}
        {%- for stage in declared['stages'] | map(attribute='stage') -%}
            {%- do places.append((model, stage, (path.index(stage) + 1 if stage in path else 0) | string)) -%}
        {%- endfor -%}
    {%- endfor -%}
    {{- return(places) -}}
{% endmacro %}

{# How many stages the longest path of any model has. #}
{% macro longest_path() %}
    {%- set lengths = [0] -%}
    {%- for model in named_stage_models() -%}{%- do lengths.append(stage_path(model) | length) -%}{%- endfor -%}
    {{- return(lengths | max) -}}
{% endmacro %}

{# Rows written out, one per list of texts: a relation for a from clause. #}
{% macro text_rows(rows, name, columns) -%}
    (values {% for row in rows %}('{{ row | join("', '") }}'){{ ', ' if not loop.last }}{% endfor %}) as {{ name }} ({{ columns | join(', ') }})
{%- endmacro %}

{# Whether a row of stage_history is a stay in which the sale is made. #}
{% macro is_won() %}
    {%- set won = [] -%}
    {%- for model, declared in named_stage_models().items() if declared.get('won') -%}
        {%- do won.append("stage_model = '" ~ model ~ "' and stage in ('" ~ declared['won'] | join("', '") ~ "')") -%}
    {%- endfor -%}
    {{- return("(" ~ won | join(' or ') ~ ")" if won else "false") -}}
{% endmacro %}

{# The models that say what is won, as a list for `in`. #}
{% macro models_with_won() %}
    {%- set names = [''] -%}
    {%- for model, declared in named_stage_models().items() if declared.get('won') -%}{%- do names.append(model) -%}{%- endfor -%}
    {{- return("'" ~ names | join("', '") ~ "'") -}}
{% endmacro %}

{# Kaplan-Meier: the smallest length that half, and nine tenths, do not outlast; null while more do. `lengths` holds one row per key and
   stayed_days with stays_count and exits_count: a stay still open counts as long as seen, and never as an end. A product of shares is a sum of
   logarithms, and where all at risk leave, exp(-1000) is 0. The tolerance takes up the rounding: a curve that touches one half has reached it. #}
{% macro kaplan_meier(lengths, keys) %}
    select
        {{ keys | join(', ') }},
        cast(sum(stays_count) as bigint) as entered_count,
        cast(sum(exits_count) as bigint) as exited_count,
        min(case when outlasting_share <= 0.5 + 1e-9 then stayed_days end) as median_days,
        min(case when outlasting_share <= 0.1 + 1e-9 then stayed_days end) as p90_days
    from (
        select *, exp(sum(case when exits_count = at_risk_count then -1000 else ln(1 - cast(exits_count as double) / at_risk_count) end)
            over (partition by {{ keys | join(', ') }} order by stayed_days)) as outlasting_share
        from (
            select *, sum(stays_count) over (partition by {{ keys | join(', ') }} order by stayed_days desc) as at_risk_count
            from {{ lengths }}
        ) as at_risk
    ) as curve
    group by {{ keys | join(', ') }}
{% endmacro %}

{# The competitor that a text speaks of, by the words declared in vars.competitors; null where it speaks of none. #}
{% macro competitor_in(text) %}
    {%- set cases = [] -%}
    {%- for name, words in var('competitors').items() -%}
        {%- set escaped = [] -%}
        {%- for word in words -%}{%- do escaped.append(modules.re.escape(word | lower) | replace("'", "''")) -%}{%- endfor -%}
        {%- set pattern = "(^|[^\\p{L}\\p{N}])(" ~ escaped | join('|') ~ ")([^\\p{L}\\p{N}]|$)" -%}
        {%- do cases.append("when " ~ matches("lower(" ~ text ~ ")", pattern) ~ " then '" ~ name | replace("'", "''") ~ "'") -%}
    {%- endfor -%}
    {{- return("case " ~ cases | join(' ') ~ " end" if cases else "cast(null as " ~ dbt.type_string() ~ ")") -}}
{% endmacro %}
