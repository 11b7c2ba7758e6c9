{#
    A table (node, component) from a select of pairs (node, linked_node): component is the smallest node that can be reached.

    Each round points every node at the smallest node it touches, follows the pointers to their roots, and keeps only the edges
    between different roots. Plain SQL without recursion, so the same on DuckDB and Spark. Pairs may stand in either
    direction and repeat; a node that is paired with itself alone is a component of its own.

    The pairs are kept beside the table (<name>__pairs). Where they were, and few have come or gone, only the components that those touch
    are solved again (components_update); both tables change in one transaction, so that a killed run leaves either night's.
#}
{% materialization connected_components, default %}
    {%- set target_relation = this.incorporate(type='table') -%}
    {%- set existing_relation = load_cached_relation(this) -%}
    {%- set pairs_relation = api.Relation.create(database=this.database, schema=this.schema, identifier=this.identifier ~ '__pairs', type='table') -%}
    {%- set kept_relation = load_cached_relation(pairs_relation) -%}
    {%- set scratch = {'relation': target_relation, 'steps': 0} -%}

    {{ run_hooks(pre_hooks) }}
    {% if not components_are_kept() %}
        {% set solved = components_solve(scratch, sql) %}
        {% if existing_relation is not none %}{% do adapter.drop_relation(existing_relation) %}{% endif %}
        {% call statement('main') %}{{ create_table_as(False, target_relation, solved.query) }}{% endcall %}
        {% do drop_scratch(solved.tables) %}
    {% else %}
        {% set pairs = components_make(scratch, components_directed(sql)) %}
        {% set changed = none if existing_relation is none or kept_relation is none or should_full_refresh() else components_changed_pairs(scratch, pairs, kept_relation | string) %}
        {# an update costs some ten times its share of the pairs #}
        {% if changed is none or 20 * (changed.added.count + changed.removed.count) > pairs.count %}
            {% set solved = components_solve(scratch, none, pairs) %}
            {% call statement('main') %}
                {{ components_replace({target_relation: solved.query, pairs_relation: "select node, linked_node from " ~ pairs.name}) }}
            {% endcall %}
        {% else %}
            {% set solved = components_update(scratch, target_relation | string, pairs.name, changed.added.name, changed.removed.name) %}
            {% set changes = components_make(scratch, solved.changes).name %}
            {% call statement('main') %}
                {{ components_apply(target_relation, changes) }};
                {{ components_apply_pairs(pairs_relation, changed.added.name, changed.removed.name) }}
            {% endcall %}
            {% do drop_scratch([changes]) %}
        {% endif %}
        {% do adapter.commit() %}
        {% do drop_scratch(solved.tables + [pairs.name] + ([] if changed is none else [changed.added.name, changed.removed.name])) %}
    {% endif %}
    {{ run_hooks(post_hooks) }}
    {% do adapter.commit() %}
    {% do persist_docs(target_relation, model) %}
    {{ return({'relations': [target_relation]}) }}
{% endmaterialization %}
