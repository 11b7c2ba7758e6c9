{# Stage models, as declared in vars.stage_models, turned into SQL. Nothing here knows a particular model or fact. #}

{#
    All stage models by name: those declared, and the older versions of them that this installation keeps beside them
    (perennial/lifecycle/versions.py). A kept one is told from the current one by its name in the tables.
#}
{% macro stage_models() %}
    {%- set models = {} -%}
    {%- do models.update(declared_stage_models()) -%}
    {%- do models.update(fromjson(run_setting('PERENNIAL_KEPT_STAGE_MODELS', '{}'))) -%}
    {{- return(models) -}}
{% endmacro %}

{# What readers call a stage model: five_stage, or five_stage@caee1a91bf65 for a version that is kept. #}
{% macro stage_model_name(model) %}{{ return(stage_models()[model].get('named', model)) }}{% endmacro %}

{# All stage models by what readers call them: what reports go by. #}
{% macro named_stage_models() %}
    {%- set named = {} -%}
    {%- for model, declared in stage_models().items() -%}{%- do named.update({stage_model_name(model): declared}) -%}{%- endfor -%}
    {{- return(named) -}}
{% endmacro %}

{# The stage that facts lead to, first match from the top. Facts are named: stage_case('five_stage', orders_count='n', …). #}
{% macro stage_case(model) -%}
    case
        {%- for stage in stage_models()[model]['stages'] %}
        when {{ stage_condition(model, stage, kwargs) }} then '{{ stage['stage'] }}'
        {%- endfor %}
    end
{%- endmacro %}

{#
    Its number in the declaration, where each fact is a column of its name with a prefix before it. Numbers are sorted at two thirds of the price of names.
    stage_name_of tells the name, for a table of all stage models that holds the number of the model too.
#}
{% macro stage_number(model, facts, prefix='') -%}
    {%- set named = {} -%}
    {%- for fact in facts -%}{%- do named.update({fact: prefix ~ fact}) -%}{%- endfor -%}
    cast(case
        {%- for stage in stage_models()[model]['stages'] %}
        when {{ stage_condition(model, stage, named) }} then {{ loop.index }}
        {%- endfor %}
    end as smallint)
{%- endmacro %}

{% macro stage_name_of(number) -%}
    case model_number
        {%- for model in stage_models().values() %}
        when {{ loop.index }} then case {{ number }}
            {%- for stage in model['stages'] %} when {{ loop.index }} then '{{ stage['stage'] }}'{% endfor %} end
        {%- endfor %}
    end
{%- endmacro %}

{# A fact that is null (no order yet) is within no bound. #}
{% macro stage_condition(model, stage, facts) %}
    {%- set alternatives = [] -%}
    {%- for bounds in stage_alternatives(stage) -%}
        {%- set terms = [] -%}
        {%- for fact, bound in bounds.items() -%}
            {%- if fact not in facts -%}
                {{ exceptions.raise_compiler_error("Stage model " ~ model ~ ", stage " ~ stage['stage'] ~ ": the fact " ~ fact ~ " is not known here. Known: " ~ facts.keys() | join(', ')) }}
            {%- endif -%}
            {%- if 'min' in bound -%}{%- do terms.append(facts[fact] ~ " >= " ~ bound['min']) -%}{%- endif -%}
            {%- if 'max' in bound -%}{%- do terms.append(facts[fact] ~ " <= " ~ bound['max']) -%}{%- endif -%}
            {%- if 'in' in bound -%}{%- do terms.append(facts[fact] ~ " in ('" ~ bound['in'] | join("', '") ~ "')") -%}{%- endif -%}
        {%- endfor -%}
        {%- if stage.get('when') -%}{%- do terms.append("coalesce(" ~ stage['when'] ~ ", false)") -%}{%- endif -%}
        {%- do alternatives.append(terms | join(' and ') if terms else 'true') -%}
    {%- endfor -%}
    {{- return(alternatives[0] if alternatives | length == 1 else "(" ~ alternatives | join(') or (') ~ ")") -}}
{% endmacro %}

{# What the declaration says of a stage (kind, label, next_action), given the column that holds its name. #}
{% macro stage_attribute(model, attribute, stage_column) -%}
    case {{ stage_column }}
        {%- for stage in stage_models()[model]['stages'] if stage.get(attribute) is not none %}
        when '{{ stage['stage'] }}' then '{{ stage[attribute] | replace("'", "''") }}'
        {%- endfor %}
    end
{%- endmacro %}

{# The same for a table of all stage models, whose columns are stage_model and stage. rule_version is one of its attributes. #}
{% macro by_stage_model(attribute) -%}
    case stage_model
        {%- for model in stage_models() %}
        when '{{ stage_model_name(model) }}' then {% if attribute == 'rule_version' %}'{{ rule_version(model) }}'{% else %}{{ stage_attribute(model, attribute, 'stage') }}{% endif %}
        {%- endfor %}
    end
{%- endmacro %}

{# Identifies the rules that made a stay. Labels and next actions are left out: another wording changes no history. #}
{% macro rule_version(model) %}
    {%- set rules = [] -%}
    {%- for stage in stage_models()[model]['stages'] -%}
        {%- do rules.append({'stage': stage['stage'], 'kind': stage['kind'], 'bounds': stage.get('bounds', {})}) -%}
        {%- if stage.get('when') -%}{%- do rules[-1].update({'when': stage['when']}) -%}{%- endif -%}
    {%- endfor -%}
    {{- return(local_md5(tojson(rules, sort_keys=True))) -}}
{% endmacro %}
