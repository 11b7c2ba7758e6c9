{#
    A table that is kept from night to night and changed where it stands. On a night that goes on with it (history_night) the model's SQL gives
    the rows to put in, and its pre_hook takes out or changes what is no longer so; else it is a table like any other. Either is one
    transaction, with the mark that its post_hook writes.
#}
{% materialization kept, default %}
    {%- if history_night(this) is none -%}
        {{ return(context['materialization_table_' ~ adapter.type()]()) }}
    {%- endif -%}
    {%- set target_relation = this.incorporate(type='table') -%}
    {%- set columns = model.columns.keys() | join(', ') -%}

    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}
    {% call statement('main') %}
        insert into {{ target_relation }} ({{ columns }}) select {{ columns }} from ({{ sql }}) as added
    {% endcall %}
    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {% do adapter.commit() %}
    {{ run_hooks(post_hooks, inside_transaction=False) }}

    {{ return({'relations': [target_relation]}) }}
{% endmaterialization %}
