{#
    Tables kept from night to night that are made of one that is (customer_orders and category_purchases of orders): they need no
    look at landing. The one they follow says with each edition which people it changed (<table>__changed) and which edition it went on
    from; whoever stands at that edition remakes those people, whoever does not is built whole.
#}

{# The statement of a hook that notes the edition of a table that others follow, while the table goes on from the last one or not. #}
{% macro state_edition() -%}
    create or replace table {{ beside('edition') }} as
    select '{{ invocation_id }}' as edition, cast({% if state_goes_on() %}(select edition from {{ beside('edition') }}){% else %}null{% endif %} as varchar) as previous_edition
{%- endmacro %}

{# Whether tonight goes on from last night's, by making anew the people of beside('changed', leader); and tonight's mark, as state_since notes it. #}
{% macro state_following(leader, definition) %}
    {%- if not execute or model.resource_type == 'unit_test' -%}{{ return(false) }}{%- endif -%}
    {{ return(adapter.dispatch('state_following', 'perennial')(leader, local_md5(definition))) }}
{% endmacro %}

{% macro default__state_following(leader, definition) %}
    {%- if load_cached_relation(beside('edition', leader)) is none -%}
        {#- a leader made by something else: nothing to go on from, nor for the next night #}
        {% do create_scratch(state_noted(), "select cast(null as varchar) as edition, '" ~ definition
            ~ "' as definition, false as is_checked, cast(null as timestamp) as was_as_of, cast(null as timestamp) as was_loaded_until") %}
        {{ return(false) }}
    {%- endif -%}
    {%- set is_there = not flags.FULL_REFRESH and load_cached_relation(this) is not none and load_cached_relation(state_mark(this)) is not none -%}
    {%- set goes_on -%}
        {% if is_there %}exists (
            select 1 from {{ state_mark(this) }} as mark
            where mark.edition = leader.previous_edition and mark.is_checked and mark.definition = '{{ definition }}'
        ){% else %}false{% endif %}
    {%- endset -%}
    {% do create_scratch(state_noted(), "select leader.edition, '" ~ definition ~ "' as definition, false as is_checked,"
        ~ " case when " ~ goes_on ~ " then was.as_of end as was_as_of, case when " ~ goes_on ~ " then was.loaded_until end as was_loaded_until"
        ~ " from " ~ beside('edition', leader) ~ " as leader cross join (select max(was_as_of) as as_of, max(was_loaded_until) as loaded_until from " ~ state_mark(leader) ~ ") as was") %}
    {{ return(state_goes_on()) }}
{% endmacro %}

{% macro spark__state_following(leader, definition) %}{{ return(false) }}{% endmacro %}

{# The hook that takes away the people who are made anew. #}
{% macro changed_people_cleared(leader) -%}
    {%- if not state_goes_on() -%}{{ return("select 1") }}{%- endif -%}
    delete from {{ this }} where customer_id in (select customer_id from {{ beside('changed', leader) }})
{%- endmacro %}
