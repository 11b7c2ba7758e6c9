{# Connected components in plain SQL: what the materialization connected_components is made of. Scratch tables are named after its relation. #}


{#
    The components of a select of pairs: {query: a select of (node, component), tables: the scratch tables it reads}. directed: a scratch table
    {name, count} of these pairs where it has been made already, the larger node first; it stays.
#}
{% macro components_solve(scratch, pairs, directed=none) %}
    {% set edges = {'name': directed.name, 'count': directed.count, 'stays': true} if directed else components_make(scratch, components_directed(pairs)) %}
    {% set loops = none %}
    {% if components_count(edges.name ~ " as edges where node = linked_node") > 0 %}
        {% set loops = components_make(scratch, "select distinct node from " ~ edges.name ~ " as edges where node = linked_node").name %}
        {% set apart = components_make(scratch, "select node, linked_node from " ~ edges.name ~ " as edges where node <> linked_node") %}
        {% do components_used_up(edges) %}
        {% set edges = apart %}
    {% endif %}
    {% set forest = components_forest(scratch, edges) %}
    {% set query %}
    select node, parent as component from {{ forest.query }} as forest
    union all
    select distinct parent, parent from {{ forest.query }} as forest
    {%- if loops is not none %}
    union all
    select node, node from {{ loops }} as loops
    where not exists (select 1 from {{ forest.query }} as forest where forest.node = loops.node)
        and not exists (select 1 from {{ forest.query }} as forest where forest.parent = loops.node)
    {%- endif %}
    {% endset %}
    {{ return({'query': query, 'tables': forest.tables + ([] if loops is none else [loops])}) }}
{% endmacro %}

{# Pairs with the larger node first. #}
{% macro components_directed(pairs) %}
    {{- return("select greatest(node, linked_node) as node, least(node, linked_node) as linked_node from (" ~ pairs ~ ") as pairs") -}}
{% endmacro %}

{# Drops a scratch table of edges, but not the caller's. #}
{% macro components_used_up(edges) %}{% if edges.name is not none and not edges.stays %}{% do drop_scratch([edges.name]) %}{% endif %}{% endmacro %}

{# Every node but the roots with its root, from a scratch table of edges (larger, smaller), which is used up. #}
{% macro components_forest(scratch, edges) %}
    {% set rounds = [] %}
    {% set state = namespace(edges=edges) %}
    {% for round in range(200) if round == 0 or state.edges.count > 0 %}
        {% set pointers = components_make(scratch, "select node, min(linked_node) as parent from " ~ state.edges.name ~ " as edges group by node") %}
        {% set roots = components_roots(scratch, pointers.name, pointers.count, 0) %}
        {% do drop_scratch([pointers.name]) %}
        {% do rounds.append(roots) %}
        {# where there are as many pointers as edges, every edge is a pointer: nothing is left between roots #}
        {% if pointers.count == state.edges.count %}
            {% do components_used_up(state.edges) %}
            {% set state.edges = {'name': none, 'count': 0} %}
        {% else %}
            {% set state.edges = components_contract(scratch, state.edges, roots.query) %}
        {% endif %}
    {% endfor %}
    {% do components_used_up(state.edges) %}
    {% if state.edges.count > 0 %}{% do exceptions.raise_compiler_error(scratch.relation ~ ': clustering did not settle in 200 rounds') %}{% endif %}
    {{ return(components_compose(scratch, rounds)) }}
{% endmacro %}

{# The edges that still lead from one root to another; edges are used up. #}
{% macro components_contract(scratch, edges, roots) %}
    {% set contracted = "select greatest(node, root) as node, least(node, root) as linked_node from (select rest.node, coalesce(roots.parent, rest.linked_node) as root from " %}
    {% set other_end = " as rest left join " ~ roots ~ " as roots on rest.linked_node = roots.node) as contracted where node <> root" %}
    {% set rest = "select roots.parent as node, edges.linked_node from " ~ edges.name ~ " as edges inner join " ~ roots
        ~ " as roots on edges.node = roots.node where edges.linked_node <> roots.parent" %}
    {% if edges.count <= 200000 %}
        {% set between = components_make(scratch, contracted ~ "(" ~ rest ~ ")" ~ other_end) %}
        {% do components_used_up(edges) %}
    {% else %}
        {# in two steps, so that never two tables of all nodes are held at once #}
        {% set rest = components_make(scratch, rest).name %}
        {% do components_used_up(edges) %}
        {% set between = components_make(scratch, contracted ~ rest ~ other_end) %}
        {% do drop_scratch([rest]) %}
    {% endif %}
    {{ return(between) }}
{% endmacro %}

{# The rounds taken together, from the last and smallest back to the first: a root of one round has its root in the next. #}
{% macro components_compose(scratch, rounds) %}
    {% for step in range(rounds | length - 1) %}
        {% set last, before = rounds.pop(), rounds.pop() %}
        {% set composed = components_make(scratch,
            "select below.node, coalesce(above.parent, below.parent) as parent from " ~ before.query ~ " as below left join " ~ last.query
            ~ " as above on below.parent = above.node union all select node, parent from " ~ last.query ~ " as above").name %}
        {% do drop_scratch(last.tables + before.tables) %}
        {% do rounds.append({'query': composed, 'tables': [composed]}) %}
    {% endfor %}
    {{ return(rounds[0]) }}
{% endmacro %}
