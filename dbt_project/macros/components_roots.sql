{#
    Where the pointers of `pointers` (node, parent) end: every node with the first node on its way that has no pointer itself.
    {query, tables}, as above; `pointers` is a table or a select in brackets, and stays.

    A pointer that ends at once is settled; the others jump to where their parent points, and only they go on. Where nearly all would
    go on, there are long chains, and jumping would take every node along some twenty times: see components_chains.
#}
{% macro components_roots(scratch, pointers, count, level) %}
    {% if count > 50000 and level < 60 and components_count(
        "(select parent from " ~ pointers ~ " as some_pointers limit 1000) as below inner join " ~ pointers ~ " as above on below.parent = above.node") > 800 %}
        {{ return(components_chains(scratch, pointers, count, level)) }}
    {% endif %}
    {% set jumped = components_jump(scratch, pointers, 4 if count <= 200000 else 1) %}
    {% set settled = "(select node, parent from " ~ jumped ~ " as jumped where moved = 0)" %}
    {% set moved = components_count(jumped ~ " as jumped where moved = 1") %}
    {% if moved == 0 %}{{ return({'query': jumped, 'tables': [jumped]}) }}{% endif %}
    {% set deep = components_roots(scratch, "(select node, parent from " ~ jumped ~ " as jumped where moved = 1)", moved, level) %}
    {% set landed = components_make(scratch,
        "select deep.node, coalesce(settled.parent, deep.parent) as parent from " ~ deep.query ~ " as deep left join " ~ settled
        ~ " as settled on deep.parent = settled.node").name %}
    {% do drop_scratch(deep.tables) %}
    {{ return({
        'query': "(" ~ settled[1:-1] ~ " union all select node, parent from " ~ landed ~ " as landed)",
        'tables': [jumped, landed],
    }) }}
{% endmacro %}

{# Every pointer after some jumps, each twice as far as the last; moved where it may have further to go. Many jumps in one statement cost
   the engine more and dbt less: right for few rows. #}
{% macro components_jump(scratch, pointers, jumps) %}
    {% set ctes = ["jump_0 as (select node, parent from " ~ pointers ~ " as pointers)"] %}
    {% for jump in range(jumps - 1) %}
        {% do ctes.append("jump_" ~ (jump + 1) ~ " as (select below.node, coalesce(above.parent, below.parent) as parent from jump_" ~ jump
            ~ " as below left join jump_" ~ jump ~ " as above on below.parent = above.node)") %}
    {% endfor %}
    {{ return(components_make(scratch,
        "with " ~ ctes | join(", ") ~ " select below.node, coalesce(above.parent, below.parent) as parent, case when above.node is null then 0 else 1 end as moved"
        ~ " from jump_" ~ (jumps - 1) ~ " as below left join jump_" ~ (jumps - 1) ~ " as above on below.parent = above.node").name) }}
{% endmacro %}

{#
    The same for long chains: half of the nodes, drawn by a hash, are way stations. The others reach their next station in a few jumps,
    the stations are solved as a chain half as long, and both are put together. Which nodes are drawn changes the
    work and never the result, so that engines may hash as they like; the level draws anew each time.
#}
{% macro components_chains(scratch, pointers, count, level) %}
    {% set drawn = "abs(hash(node, " ~ level ~ ") % 1009) < 505" %}
    {% set half = (count / 2) | int %}
    {% set others = components_roots(scratch, "(select node, parent from " ~ pointers ~ " as pointers where not " ~ drawn ~ ")", half, level + 1) %}
    {% set stations = components_make(scratch,
        "select below.node, coalesce(above.parent, below.parent) as parent from (select node, parent from " ~ pointers ~ " as pointers where "
        ~ drawn ~ ") as below left join " ~ others.query ~ " as above on below.parent = above.node") %}
    {% set ends = components_roots(scratch, stations.name, stations.count, level + 1) %}
    {% do drop_scratch([stations.name]) %}
    {{ return(components_compose(scratch, [others, ends])) }}
{% endmacro %}

{% macro components_count(source) %}{{ return(run_query('select count(*) from ' ~ source).columns[0].values()[0] | int) }}{% endmacro %}

{# A new scratch table of this clustering: {name, count}. #}
{% macro components_make(scratch, query) %}
    {% do scratch.update({'steps': scratch.steps + 1}) %}
    {% set name = scratch_name(scratch.relation, scratch.steps) %}
    {{ return({'name': name, 'count': create_scratch(name, query)}) }}
{% endmacro %}
