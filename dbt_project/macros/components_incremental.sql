{#
    Last night's components brought up to tonight's edges; equal, row for row, to solving all of them again.

    labels   (node, component)    what was solved last night
    edges    (node, linked_node)  all edges of tonight; read only where something was removed
    added    (node, linked_node)  the edges of tonight that were not there last night; others do no harm
    removed  (node, linked_node)  the edges of last night that are gone

    Each is the name of a relation or a select in brackets. Returns a dictionary:
    query    a select of (node, component): the components of tonight, in one pass over labels
    changes  a select of (node, component, previous_component): only nodes whose component is another one than last night; component
             is null where the node has no edge any more, previous_component where it had none
             (components_apply writes them into the table of last night, which is cheaper than to write all of it anew)
    tables   the scratch tables that both read, to be dropped when done: drop_scratch(tables)

    Added edges are lifted to the components they touch, and that small graph is solved. A component that lost an
    edge takes part with its nodes and remaining edges, as if it had never been solved.
#}
{% macro components_update(scratch, labels, edges, added, removed) %}
    {% set cut = components_make(scratch,
        "select distinct labels.component from " ~ labels ~ " as labels inner join (" ~ components_ends(removed ~ " as removed")
        ~ ") as ends on labels.node = ends.node") %}
    {% set cuts = cut.name %}
    {% if cut.count > 0 %}
        {% set pieces = components_make(scratch,
            "select labels.node, labels.component from " ~ labels ~ " as labels inner join " ~ cuts ~ " as cut on labels.component = cut.component").name %}
        {% set pairs = components_make(scratch,
            "select node, linked_node from " ~ added ~ " as added union all select edges.node, edges.linked_node from " ~ edges
            ~ " as edges where exists (select 1 from " ~ pieces ~ " as pieces where pieces.node = edges.node)").name %}
    {% else %}
        {% set pieces = components_make(scratch, "select node, component from " ~ labels ~ " as labels where 1 = 0").name %}
        {% set pairs = components_make(scratch, "select node, linked_node from " ~ added ~ " as added").name %}
    {% endif %}
    {# the nodes that tonight's pairs touch, with the component each stands for; a new node, or one of a cut component, stands for itself #}
    {% set ends = components_make(scratch,
        "select ends.node, labels.component as previous_component, case when labels.component is null or exists (select 1 from " ~ cuts
        ~ " as cut where cut.component = labels.component) then ends.node else labels.component end as stands_for from ("
        ~ components_ends(pairs ~ " as pairs") ~ ") as ends left join " ~ labels ~ " as labels on ends.node = labels.node").name %}
    {% set solved = components_solve(scratch,
        "select below.stands_for as node, above.stands_for as linked_node from " ~ pairs ~ " as pairs inner join " ~ ends
        ~ " as below on pairs.node = below.node inner join " ~ ends ~ " as above on pairs.linked_node = above.node"
        ~ " where below.stands_for <> above.stands_for or below.stands_for = below.node") %}
    {% set moves = components_make(scratch, solved.query).name %}
    {% do drop_scratch(solved.tables + [pairs]) %}
    {% set tables = [cuts, pieces, ends, moves] %}
    {% set kept = "not exists (select 1 from " ~ cuts ~ " as cut where cut.component = labels.component)" %}
    {% set query %}
    select labels.node, coalesce(moves.component, labels.component) as component
    from {{ labels }} as labels
    left join {{ moves }} as moves on labels.component = moves.node
    where {{ kept }}
    union all
    select pieces.node, moves.component
    from {{ pieces }} as pieces
    inner join {{ moves }} as moves on pieces.node = moves.node
    union all
    select ends.node, moves.component
    from {{ ends }} as ends
    inner join {{ moves }} as moves on ends.node = moves.node
    where ends.previous_component is null
    {% endset %}
    {% set changes %}
    select labels.node, moves.component, labels.component as previous_component
    from {{ labels }} as labels
    inner join {{ moves }} as moves on labels.component = moves.node
    where moves.component <> labels.component and {{ kept }}
    union all
    select pieces.node, moves.component, pieces.component
    from {{ pieces }} as pieces
    left join {{ moves }} as moves on pieces.node = moves.node
    where moves.component is null or moves.component <> pieces.component
    union all
    select ends.node, moves.component, ends.previous_component
    from {{ ends }} as ends
    inner join {{ moves }} as moves on ends.node = moves.node
    where ends.previous_component is null
    {% endset %}
    {{ return({'query': query, 'changes': changes, 'tables': tables}) }}
{% endmacro %}

{# Tonight's pairs that last night lacked, and the other way about: {added, removed}, scratch tables with their counts. #}
{% macro components_changed_pairs(scratch, pairs, kept) %}
    {% set lacking = "select one.node, one.linked_node from {} as one where not exists (select 1 from {} as other where other.node = one.node and other.linked_node = one.linked_node)" %}
    {{ return({
        'added': components_make(scratch, lacking.format(pairs.name, kept)),
        'removed': components_make(scratch, lacking.format(kept, pairs.name)),
    }) }}
{% endmacro %}

{# Every node of a relation of pairs, once. #}
{% macro components_ends(pairs) %}
    {{- return("select node from " ~ pairs ~ " union select linked_node from " ~ pairs) -}}
{% endmacro %}
