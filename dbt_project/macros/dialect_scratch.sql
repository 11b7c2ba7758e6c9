{# Where DuckDB and Spark differ over scratch tables, and over changing rows of a table where it stands, and nothing else. #}

{# The name of the n-th such table of a model. DuckDB's live in the session, neither compressed nor written to the build file. #}
{% macro scratch_name(relation, number) %}{{ return(adapter.dispatch('scratch_name', 'perennial')(relation, number)) }}{% endmacro %}

{% macro default__scratch_name(relation, number) %}{{ return(relation.identifier ~ '__step_' ~ number) }}{% endmacro %}

{% macro spark__scratch_name(relation, number) %}{{ return(relation.schema ~ '.' ~ relation.identifier ~ '__step_' ~ number) }}{% endmacro %}

{# Make such a table; returns how many rows it has. #}
{% macro create_scratch(name, query) %}{{ return(adapter.dispatch('create_scratch', 'perennial')(name, query)) }}{% endmacro %}

{% macro default__create_scratch(name, query) %}
    {{ return(run_query('create or replace temporary table ' ~ name ~ ' as ' ~ query).columns[0].values()[0] | int) }}
{% endmacro %}

{% macro spark__create_scratch(name, query) %}
    {% do run_query('drop table if exists ' ~ name) %}
    {% do run_query('create table ' ~ name ~ ' as ' ~ query) %}
    {{ return(run_query('select count(*) from ' ~ name).columns[0].values()[0] | int) }}
{% endmacro %}

{# Drop such tables; DuckDB takes them all in one statement, and each statement costs dbt more than the drop. #}
{% macro drop_scratch(names) %}{{ return(adapter.dispatch('drop_scratch', 'perennial')(names)) }}{% endmacro %}

{% macro default__drop_scratch(names) %}
    {% if names %}{% do run_query('drop table ' ~ names | join('; drop table ')) %}{% endif %}
{% endmacro %}

{% macro spark__drop_scratch(names) %}
    {% for name in names %}{% do run_query('drop table if exists ' ~ name) %}{% endfor %}
{% endmacro %}

{# Whether last night's components and pairs are changed where they stand; Spark changes no row of a Parquet table and solves whole. #}
{% macro components_are_kept() %}{{ return(adapter.dispatch('components_are_kept', 'perennial')()) }}{% endmacro %}

{% macro default__components_are_kept() %}{{ return(true) }}{% endmacro %}

{% macro spark__components_are_kept() %}{{ return(false) }}{% endmacro %}

{# Several tables made anew by statements of one transaction. #}
{% macro components_replace(queries) %}
    {%- for relation, query in queries.items() %}
    create or replace table {{ relation }} as {{ query }}{{ ';' if not loop.last }}
    {%- endfor %}
{% endmacro %}

{# Components (node, component) changed by (node, component, previous_component), as statements of one transaction. #}
{% macro components_apply(labels, changes) %}
    update {{ labels }} set component = changes.component from {{ changes }} as changes where {{ labels }}.node = changes.node and changes.component is not null;
    insert into {{ labels }} (node, component) select node, component from {{ changes }} as changes where previous_component is null;
    delete from {{ labels }} where node in (select node from {{ changes }} as changes where component is null)
{% endmacro %}

{# The pairs of last night brought up to tonight's, likewise. #}
{% macro components_apply_pairs(kept, added, removed) %}
    delete from {{ kept }} where exists (select 1 from {{ removed }} as removed where removed.node = {{ kept }}.node and removed.linked_node = {{ kept }}.linked_node);
    insert into {{ kept }} (node, linked_node) select node, linked_node from {{ added }} as added
{% endmacro %}
