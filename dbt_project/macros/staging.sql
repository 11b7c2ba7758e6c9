{#
    What staging does with landed rows, and what input does with staged ones. Versions are settled at landing
    (perennial/config/contract.py), so staging only filters.
#}

{#
    The landed rows that count. A key that was delivered again in another version counts in its newest change alone; lines
    of a parent that came in a newer version count from its newest replacement on.

    Most nights most tables hold no such row, so the first branch is a bare scan: whether any exists is read from the
    Parquet footers, and a branch whose condition is false is not run. Both branches name the source themselves; a shared
    CTE would be materialised.
#}
{% macro current_rows(table, key, parent_key=none) %}
    {%- set landed = source('landing', table) -%}
    {%- set newest = ["coalesce(changed.newest_load_id, '')", "coalesce(replaced.newest_load_id, '')"] -%}
    {%- set has_versions -%}
        exists (
            select 1 from {{ landed }} where is_change
            {%- if parent_key %} union all select 1 from {{ landed }} where is_replacement{% endif %}
        )
    {%- endset -%}
    select *
    from {{ landed }}
    where not is_superseded and not {{ has_versions }}
    union all
    select landed.*
    from {{ landed }} as landed
    left join ({{ newest_load(landed, 'is_change', key) }}) as changed
        on {{ same_key('landed', 'changed', key) }}
    {%- if parent_key %}
    left join ({{ newest_load(landed, 'is_replacement', parent_key) }}) as replaced
        on {{ same_key('landed', 'replaced', parent_key) }}
    {%- endif %}
    where not landed.is_superseded
        and landed.load_id >= {{ 'greatest(' ~ newest | join(', ') ~ ')' if parent_key else newest[0] }}
        and {{ has_versions }}
{%- endmacro %}

{% macro newest_load(landed, flag, key) -%}
    select source_name, {{ key | join(', ') }}, max(load_id) as newest_load_id
    from {{ landed }}
    where {{ flag }} and not is_superseded
    group by source_name, {{ key | join(', ') }}
{%- endmacro %}

{% macro same_key(left, right, key) -%}
    {%- for column in ['source_name'] + key %}{{ left }}.{{ column }} = {{ right }}.{{ column }}{{ ' and ' if not loop.last }}{% endfor -%}
{%- endmacro %}

{# An id of a person, or null where it is one of the values that stand for "none" (vars). #}
{% macro real_id(id) -%}
    case when lower(trim({{ id }})) not in ('{{ var('placeholder_ids') | join("', '") }}') then {{ id }} end
{%- endmacro %}

{# A contact reference, or null where it is an id that stands for "none". Addresses are judged where they are normalised. #}
{% macro real_contact_ref(contact_ref, contact_ref_type) -%}
    case
        when {{ contact_ref_type }} not in ('contact_id', 'customer_id', 'anonymous_id') then {{ contact_ref }}
        when lower(trim({{ contact_ref }})) not in ('{{ var('placeholder_ids') | join("', '") }}') then {{ contact_ref }}
    end
{%- endmacro %}

{# A later change undone: null where it came at as_of or after; a value whose change bears no time stays. #}
{% macro undo_later(value, changed_at) -%}
    case when {{ changed_at }} >= {{ as_of() }} then null else {{ value }} end
{%- endmacro %}
