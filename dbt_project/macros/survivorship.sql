{# Which record's value a person keeps, column by column, as declared in vars.survivorship. #}

{# The rule of a column. A wrong word fails while parsing, since a rule nobody follows looks like one that is followed. #}
{% macro survivorship_rule(column) %}
    {%- set known = ['email', 'phone', 'first_name', 'last_name', 'country', 'birth_on', 'owner_id'] -%}
    {%- set rules = var('survivorship') -%}
    {%- set where = "dbt_project.yml, vars.survivorship" -%}
    {%- for each in rules if each not in known -%}
        {{ exceptions.raise_compiler_error(where ~ ": " ~ each ~ " is no column that is chosen among records. Known: " ~ known | join(', ')) }}
    {%- endfor -%}
    {%- if column not in rules -%}
        {{ exceptions.raise_compiler_error(where ~ ": no rule for " ~ column ~ "; add " ~ column ~ ": {order: newest, sources: []}") }}
    {%- endif -%}
    {%- set rule = rules[column] -%}
    {%- if rule is not mapping or rule.get('order') not in ['newest', 'most_frequent'] -%}
        {{ exceptions.raise_compiler_error(where ~ "." ~ column ~ ": order must be newest or most_frequent, not " ~ (rule.get('order') if rule is mapping else rule)) }}
    {%- endif -%}
    {%- for word in rule if word not in ['order', 'sources'] -%}
        {{ exceptions.raise_compiler_error(where ~ "." ~ column ~ ": " ~ word ~ " is not known; a rule says order and sources") }}
    {%- endfor -%}
    {%- set sources = rule.get('sources', []) -%}
    {%- if sources is string or sources is mapping or sources is not iterable -%}
        {{ exceptions.raise_compiler_error(where ~ "." ~ column ~ ".sources: must be a list of source names, the first wins, not " ~ sources) }}
    {%- endif -%}
    {{- return({'order': rule['order'], 'sources': sources}) -}}
{% endmacro %}

{# Beside each record: how many records of the person say the same. Nothing for columns whose newest value wins. #}
{% macro same_words_counts(columns, person) %}
    {%- for column in columns if survivorship_rule(column)['order'] == 'most_frequent' %}
        count({{ column }}) over (partition by {{ person }}, {{ column }}) as {{ column }}_said_count,
    {%- endfor %}
{%- endmacro %}

{# The value that wins within a group of a person's records; newest_key sorts by what wins otherwise (newest_first). #}
{% macro survivor(column, newest_key, value=none, source_name='source_name') %}
    {%- set rule = survivorship_rule(column) -%}
    {%- set keys = [] -%}
    {%- if rule['sources'] -%}
        {%- set ranks = [] -%}
        {%- for source in rule['sources'] -%}
            {%- do ranks.append("when '" ~ (source | replace("'", "''")) ~ "' then '" ~ '%03d' | format(999 - loop.index) ~ "'") -%}
        {%- endfor -%}
        {%- do keys.append("case " ~ source_name ~ " " ~ ranks | join(' ') ~ " else '000' end") -%}
    {%- endif -%}
    {%- if rule['order'] == 'most_frequent' -%}
        {%- do keys.append("lpad(cast(" ~ column ~ "_said_count as " ~ dbt.type_string() ~ "), 9, '0')") -%}
    {%- endif -%}
    {%- do keys.append(newest_key) -%}
    {{- return("max_by(" ~ (value or column) ~ ", " ~ keys | join(" || ") ~ ") filter (where " ~ (value or column) ~ " is not null)") -}}
{% endmacro %}
