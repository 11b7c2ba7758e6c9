{#
    A table (node, component) from a select of pairs (node, linked_node): connected components by edge contraction.

    Each round hooks every node to the smallest node it touches, jumps pointers until each points at a root, and keeps only the
    edges between different roots. Plain SQL without recursion, so the same on DuckDB and Spark, and a chain of a million
    links takes one round of some twenty jumps instead of a million rounds.
#}
{% materialization connected_components, default %}
    {%- set target_relation = this.incorporate(type='table') -%}
    {%- set existing_relation = load_cached_relation(this) -%}
    {%- set stem = target_relation.schema ~ '.' ~ target_relation.identifier -%}
    {%- set edges = stem ~ '__edges' -%}
    {%- set hooks = stem ~ '__hooks' -%}
    {%- set labels = stem ~ '__labels' -%}
    {%- set scratch = stem ~ '__scratch' -%}

    {{ run_hooks(pre_hooks) }}
    {% do components_replace(edges, "select distinct node, linked_node from (" ~ sql ~ ") as pairs") %}
    {% do components_replace(labels, "select node, node as component from (select node from " ~ edges ~ " union select linked_node from " ~ edges ~ ") as nodes") %}

    {% set rounds = namespace(left=components_count(edges), count=0) %}
    {% for round in range(200) if rounds.left > 0 %}
        {% do components_round(edges, hooks, labels, scratch) %}
        {% set rounds.left = components_count(edges) %}
        {% set rounds.count = rounds.count + 1 %}
    {% endfor %}
    {% if rounds.left > 0 %}{% do exceptions.raise_compiler_error(this ~ ': clustering did not settle in 200 rounds') %}{% endif %}

    {% if existing_relation is not none %}{% do adapter.drop_relation(existing_relation) %}{% endif %}
    {% call statement('main') %}{{ create_table_as(False, target_relation, 'select node, component from ' ~ labels) }}{% endcall %}
    {% for name in [edges, hooks, labels, scratch] %}{% do run_query('drop table if exists ' ~ name) %}{% endfor %}
    {{ run_hooks(post_hooks) }}
    {% do adapter.commit() %}
    {% do persist_docs(target_relation, model) %}
    {{ return({'relations': [target_relation]}) }}
{% endmaterialization %}

{% macro components_count(name) %}{{ return(run_query('select count(*) from ' ~ name).columns[0].values()[0] | int) }}{% endmacro %}

{% macro components_replace(name, query) %}
    {% do run_query('drop table if exists ' ~ name) %}
    {% do run_query('create table ' ~ name ~ ' as ' ~ query) %}
{% endmacro %}

{% macro components_rename(from_name, to_name) %}
    {% do run_query('drop table if exists ' ~ to_name) %}
    {% do run_query('alter table ' ~ from_name ~ ' rename to ' ~ to_name.split('.')[-1]) %}
{% endmacro %}

{# One contraction: hook, jump, relabel, and keep the edges that still lead from one root to another. #}
{% macro components_round(edges, hooks, labels, scratch) %}
    {% do components_replace(hooks,
        "select node, min(linked_node) as parent from (select node, least(node, linked_node) as linked_node from " ~ edges
        ~ " union all select linked_node, least(node, linked_node) from " ~ edges ~ ") as touched group by node") %}
    {% set jumps = namespace(moved=1) %}
    {% for jump in range(64) if jumps.moved > 0 %}
        {% do components_replace(scratch,
            "select hooks.node, above.parent, case when above.parent <> hooks.parent then 1 else 0 end as moved from "
            ~ hooks ~ " as hooks inner join " ~ hooks ~ " as above on hooks.parent = above.node") %}
        {% set jumps.moved = run_query('select coalesce(sum(moved), 0) from ' ~ scratch).columns[0].values()[0] | int %}
        {% do components_replace(hooks, 'select node, parent from ' ~ scratch) %}
    {% endfor %}
    {% do components_replace(scratch,
        "select labels.node, coalesce(hooks.parent, labels.component) as component from " ~ labels
        ~ " as labels left join " ~ hooks ~ " as hooks on labels.component = hooks.node") %}
    {% do components_rename(scratch, labels) %}
    {% do components_replace(scratch,
        "select distinct below.parent as node, above.parent as linked_node from " ~ edges ~ " as edges inner join " ~ hooks
        ~ " as below on edges.node = below.node inner join " ~ hooks
        ~ " as above on edges.linked_node = above.node where below.parent <> above.parent") %}
    {% do components_rename(scratch, edges) %}
{% endmacro %}
