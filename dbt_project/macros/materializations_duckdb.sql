{#
    Views and tables on DuckDB, each made by one statement. dbt's own make a second relation beside the first, rename both and drop the old
    one, which is for engines whose DDL is not transactional: six statements a table and three a view, each with all of dbt's macros made
    ready for it anew. Here the transaction keeps the old relation until the new one stands. Grants, indexes and foreign keys are left
    out: nobody else opens the build file. Spark keeps dbt-spark's.
#}
{% materialization view, adapter='duckdb' %}
    {%- set existing_relation = load_cached_relation(this) -%}
    {%- set target_relation = this.incorporate(type='view') -%}

    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}
    {% if existing_relation is not none and not existing_relation.is_view %}{% do adapter.drop_relation(existing_relation) %}{% endif %}
    {% if config.get('contract').enforced %}{% do get_assert_columns_equivalent(sql) %}{% endif %}
    {% call statement('main') %}create or replace view {{ target_relation }} as ({{ sql }}){% endcall %}
    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {% do adapter.commit() %}
    {{ run_hooks(post_hooks, inside_transaction=False) }}

    {{ return({'relations': [target_relation]}) }}
{% endmaterialization %}

{# Made beside the old table and then put in its place, since a table that is kept from night to night reads last night's. #}
{% materialization table, adapter='duckdb' %}{{ return(made_table(pre_hooks, post_hooks, sql, false)) }}{% endmaterialization %}

{#
    A table that is kept where it stands (state.sql): where tonight goes on from last night the model selects the rows that come in,
    and its hook before that takes away those that they stand for. All in one transaction, its mark included.
#}
{% materialization kept, adapter='duckdb' %}{{ return(made_table(pre_hooks, post_hooks, sql, state_goes_on())) }}{% endmaterialization %}

{% macro made_table(pre_hooks, post_hooks, sql, goes_on) %}
    {%- set existing_relation = load_cached_relation(this) -%}
    {%- set target_relation = this.incorporate(type='table') -%}
    {%- set new_relation = make_intermediate_relation(target_relation) -%}

    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}
    {% if existing_relation is not none and not existing_relation.is_table %}{% do adapter.drop_relation(existing_relation) %}{% endif %}
    {% call statement('main') %}
        {%- if goes_on %}
        insert into {{ target_relation }} by name {{ sql }}
        {%- else %}
        {{ create_table_as(False, new_relation, sql) }};
        drop table if exists {{ target_relation }};
        alter table {{ new_relation }} rename to {{ adapter.quote(target_relation.identifier) }}
        {%- endif %}
    {% endcall %}
    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {% do adapter.commit() %}
    {{ run_hooks(post_hooks, inside_transaction=False) }}

    {{ return({'relations': [target_relation]}) }}
{% endmacro %}
