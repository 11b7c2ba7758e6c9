{#
    Tables that are kept from night to night. Beside such a table stands its mark: which landed files it has taken in, up to which as_of,
    by which definition, and whether it was checked. Both are written in one transaction. What the mark does not vouch for is built whole:
    docs/architecture.md, "What is kept from night to night".
#}

{#
    What last night's table stands for, or none where it has to be built whole: {as_of, loaded_until, load_id}; and tonight's mark, noted
    for the hook that writes it. tables: the landed tables it reads; definition: everything that tells its rows apart from the data.
#}
{% macro state_since(tables, definition) %}
    {%- if not execute or model.resource_type == 'unit_test' -%}{{ return(none) }}{%- endif -%}
    {{ return(adapter.dispatch('state_since', 'perennial')(tables, definition.replace(run_setting('PERENNIAL_AS_OF_UTC', '2000-01-01 00:00:00'), 'as_of'))) }}
{% endmacro %}

{% macro default__state_since(tables, definition) %}
    {%- set since = state_vouched(tables, local_md5(definition)) -%}
    {% do create_scratch(state_noted(), "select *, " ~ as_of() ~ " as as_of, '" ~ local_md5(definition) ~ "' as definition, false as is_checked, cast("
        ~ (since.as_of if since else 'null') ~ " as timestamp) as was_as_of, cast(" ~ (since.loaded_until if since else 'null')
        ~ " as timestamp) as was_loaded_until from (" ~ landed_files(tables) ~ ") as files") %}
    {{ return(since) }}
{% endmacro %}

{# Parquet on a disk tells its files apart by their footers; elsewhere the table is built whole. #}
{% macro spark__state_since(tables, definition) %}{{ return(none) }}{% endmacro %}

{# Last night's mark, if it was checked, the definition is the same, time went on, and landing only gained newer files. #}
{% macro state_vouched(tables, definition) %}
    {%- if flags.FULL_REFRESH or load_cached_relation(this) is none or load_cached_relation(state_mark(this)) is none -%}{{ return(none) }}{%- endif -%}
    {%- set question -%}
        with taken as (select * from {{ state_mark(this) }}),
        files as ({{ landed_files(tables) }}),
        newest as (select max(load_id) as load_id, max(loaded_until) as loaded_until from taken)
        select cast(max(taken.as_of) as varchar), cast(max(taken.loaded_until) as varchar), max(taken.load_id)
        from taken
        left join files
            on taken.file_name = files.file_name and taken.rows_count = files.rows_count and taken.bytes_count = files.bytes_count
        having bool_and(taken.is_checked) and bool_and(taken.definition = '{{ definition }}') and max(taken.as_of) <= {{ as_of() }}
            and bool_and(files.file_name is not null)
            and not exists (
                select 1 from files cross join newest
                where files.file_name not in (select file_name from taken)
                and (files.load_id <= newest.load_id or files.loaded_from <= newest.loaded_until)
            )
    {%- endset -%}
    {%- set answer = run_query(question).rows -%}
    {%- if answer | length == 0 -%}{{ return(none) }}{%- endif -%}
    {{ return({'as_of': "timestamp '" ~ answer[0][0] ~ "'", 'loaded_until': "timestamp '" ~ answer[0][1] ~ "'", 'load_id': "'" ~ answer[0][2] ~ "'"}) }}
{% endmacro %}

{# The hook that writes the mark, within the transaction that writes the table. It is not trusted until a check has passed. #}
{% macro state_marked() %}{{ return(adapter.dispatch('state_marked', 'perennial')()) }}{% endmacro %}

{% macro default__state_marked() %}
    {%- do state_written(state_mark(this)) -%}
    {{ return("create or replace table " ~ state_mark(this) ~ " as select * from " ~ state_noted()) }}
{% endmacro %}

{% macro spark__state_marked() %}{{ return("select 1") }}{% endmacro %}

{# Has this run know of a table that a hook writes. Hooks are gone through while dbt parses too, when nothing is written. #}
{% macro state_written(table) %}{% if execute %}{% do adapter.cache_added(table) %}{% endif %}{% endmacro %}

{# What a table was brought up from tonight: {as_of, loaded_until}; none where it was built whole. #}
{% macro state_was(table) %}
    {%- if not execute or load_cached_relation(state_mark(table)) is none -%}{{ return(none) }}{%- endif -%}
    {%- set was = run_query("select cast(max(was_as_of) as varchar), cast(max(was_loaded_until) as varchar) from " ~ state_mark(table)).rows[0] -%}
    {%- if was[0] is none -%}{{ return(none) }}{%- endif -%}
    {{ return({'as_of': "timestamp '" ~ was[0] ~ "'", 'loaded_until': "timestamp '" ~ was[1] ~ "'"}) }}
{% endmacro %}

{# At the end of a run: the marks whose check passed in it (config.meta.vouches_for) are good for the next night. #}
{% macro trust_checked_state(results) %}
    {%- for result in results if result.node.resource_type == 'test' and result.status == 'pass' and result.node.config.meta.get('vouches_for') -%}
        {%- for node in graph.nodes.values() if node.resource_type == 'model' and node.name == result.node.config.meta.vouches_for -%}
            {%- set mark = state_mark(api.Relation.create(database=node.database, schema=node.schema, identifier=node.alias)) -%}
            {%- if load_cached_relation(mark) is not none %}update {{ mark }} set is_checked = true;{% endif -%}
        {%- endfor -%}
    {%- endfor -%}
{% endmacro %}

{% macro state_mark(table) %}{{ return(beside('mark', table)) }}{% endmacro %}

{# A table that belongs to another one, and is written in one transaction with it. #}
{% macro beside(what, table=none) %}
    {%- set table = table or this -%}
    {{ return(api.Relation.create(database=table.database, schema=table.schema, identifier=table.identifier ~ '__' ~ what, type='table')) }}
{% endmacro %}

{% macro state_noted() %}{{ return(scratch_of('noted')) }}{% endmacro %}

{# A scratch table of the model's own. #}
{% macro scratch_of(what) %}{{ return(this.identifier ~ '__' ~ what) }}{% endmacro %}

{# Whether tonight's table goes on from last night's, once state_since has said so. #}
{% macro state_goes_on() %}
    {%- if not execute -%}{{ return(false) }}{%- endif -%}
    {{ return(adapter.dispatch('state_goes_on', 'perennial')()) }}
{% endmacro %}

{% macro default__state_goes_on() %}{{ return(run_query("select count(was_as_of) from " ~ state_noted()).columns[0].values()[0] > 0) }}{% endmacro %}

{% macro spark__state_goes_on() %}{{ return(false) }}{% endmacro %}

{# How such a table is made where a night's rows are added to last night's, which cannot be done in one select. #}
{% macro kept_materialization() %}{{ return(adapter.dispatch('kept_materialization', 'perennial')()) }}{% endmacro %}

{% macro default__kept_materialization() %}{{ return('kept') }}{% endmacro %}

{% macro spark__kept_materialization() %}{{ return('table') }}{% endmacro %}
