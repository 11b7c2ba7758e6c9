{#
    What staging does with landed rows, and what input does with staged ones. Versions are settled at landing
    (perennial/config/contract.py), so staging only filters.
#}

{#
    The landed rows that count. A key that was delivered again in another version counts in its newest change alone; lines
    of a parent that came in a newer version count from its newest replacement on.

    Whether landing holds any such row is asked of the Parquet footers while the view is made, and only then does the view
    look for it: the joins read the keys of every row, which doubles the cost of reading a long table. So the view is good
    for the landing it was made over: whatever lands must be followed by a build that includes staging, as every night's is.
#}
{% macro current_rows(table, key, parent_key=none, kind='landing') %}
    {%- set landed = source(kind, table) -%}
    {%- set held = held_versions(landed) -%}
    {%- set limits = [] -%}
    select landed.*
    from {{ landed }} as landed
    {%- if held.changes %}{% do limits.append("coalesce(changed.newest_load_id, '')") %}
    left join (
        {{ newest_loads(landed, 'is_change and not is_replacement', key) }}
    ) as changed
        on {{ same_key('landed', 'changed', key) }}
    {%- endif %}
    {%- if held.replacements and parent_key %}{% do limits.append("coalesce(replaced.newest_load_id, '')") %}
    left join (
        {{ newest_loads(landed, 'is_replacement', parent_key) }}
    ) as replaced
        on {{ same_key('landed', 'replaced', parent_key) }}
    {%- endif %}
    where {{ 'not landed.is_superseded' if held.superseded else 'true' }}
    {%- if limits %}
        and landed.load_id >= {{ limits[0] if limits | length == 1 else 'greatest(' ~ limits | join(', ') ~ ')' }}
    {%- endif %}
{%- endmacro %}

{# Which kinds of versions a landed table holds. All are assumed where there is nothing to ask: while parsing, in unit tests. #}
{% macro held_versions(landed) %}
    {%- if not execute or model.resource_type == 'unit_test' -%}
        {{ return({'superseded': true, 'changes': true, 'replacements': true}) }}
    {%- endif -%}
    {%- set question -%}
        select
            exists (select 1 from {{ landed }} where is_superseded) as superseded,
            exists (select 1 from {{ landed }} where is_change and not is_replacement) as changes,
            exists (select 1 from {{ landed }} where is_replacement) as replacements
    {%- endset -%}
    {%- set answer = run_query(question).rows[0] -%}
    {{ return({'superseded': answer[0], 'changes': answer[1], 'replacements': answer[2]}) }}
{% endmacro %}

{#
    Per key, the newest load that holds a row with this flag. The `having` is true of every group: it has the planner expect
    few of them, so that the join is built on this side and not on millions of landed rows.
#}
{% macro newest_loads(landed, flag, key) -%}
    select source_name, {{ key | join(', ') }}, max(load_id) as newest_load_id
        from {{ landed }}
        where {{ flag }} and not is_superseded
        group by source_name, {{ key | join(', ') }}
        having max(load_id) is not null
{%- endmacro %}

{% macro same_key(left, right, key) -%}
    {%- for column in ['source_name'] + key %}{{ left }}.{{ column }} = {{ right }}.{{ column }}{{ ' and ' if not loop.last }}{% endfor -%}
{%- endmacro %}

{#
    What every source delivered of a table of the input contract: the kinds that take the contract's tables as they are, and the
    staging models of the vendors that fill it (var filled_by).
#}
{% macro delivered(table) -%}
    select * from {{ ref('stg_contract__' ~ table) }}
    {#- a unit test gives the rows of the contract's staging alone #}
    {%- for vendor in var('filled_by').get(table, []) if model.resource_type != 'unit_test' %}
    union all
    select * from {{ ref('stg_' ~ vendor ~ '__' ~ table) }}
    {%- endfor %}
{%- endmacro %}

{# An id of a person, or null where it is one of the values that stand for "none" (vars). #}
{% macro real_id(id) -%}
    case
        when {{ begins_as_a_number(id) }} then {{ id }}
        when {{ listed('lower(trim(' ~ id ~ '))', var('placeholder_ids')) }} then null
        else {{ id }}
    end
{%- endmacro %}

{# A contact reference, or null where it is an id that stands for "none". Addresses are judged where they are normalised. #}
{% macro real_contact_ref(contact_ref, contact_ref_type) -%}
    case when {{ contact_ref_type }} not in ('contact_id', 'customer_id', 'anonymous_id') then {{ contact_ref }} else {{ real_id(contact_ref) }} end
{%- endmacro %}

{# Whether an id begins with a digit from 1 on and so is on no list: most ids are, and to look each of them up costs more than to read it. #}
{% macro begins_as_a_number(id) -%}
    {%- set numbers = var('placeholder_ids') | select('gt', '0:') | select('lt', ':') | list -%}
    {{- return('false' if numbers else id ~ " >= '1' and " ~ id ~ " < ':'") -}}
{%- endmacro %}

{# A later change undone: null where it came at as_of or after; a value whose change bears no time stays. #}
{% macro undo_later(value, changed_at) -%}
    case when {{ changed_at }} >= {{ as_of() }} then null else {{ value }} end
{%- endmacro %}
