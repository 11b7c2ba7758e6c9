{# What is asked of landed files beside their rows, for tables that are kept from night to night (state.sql). DuckDB alone: Spark builds whole. #}

{# Every landed file of some tables of the contract that holds rows, from its footer: no row is read. #}
{% macro landed_files(tables) -%}
    select
            file_name, split_part(parse_filename(file_name), '.', 1) as load_id,
            sum(case when path_in_schema = 'loaded_at' then row_group_num_rows end) as rows_count,
            sum(total_compressed_size) as bytes_count,
            min(cast(case when path_in_schema = 'loaded_at' then stats_min_value end as timestamp)) as loaded_from,
            max(cast(case when path_in_schema = 'loaded_at' then stats_max_value end as timestamp)) as loaded_until
        from parquet_metadata([{{ landed_paths(tables) }}])
        group by file_name
        having sum(case when path_in_schema = 'loaded_at' then row_group_num_rows end) > 0
{%- endmacro %}

{# Every landed row of a table of the contract, whether it counts or not. #}
{% macro landed_rows(table) -%}
    read_parquet([{{ landed_paths([table]) }}], union_by_name = true)
{%- endmacro %}

{% macro landed_paths(tables, kinds=['files', 'sql']) -%}
    {%- set paths = [] -%}
    {%- for table in tables -%}
        {%- for kind in kinds -%}
            {%- do paths.append("'" ~ run_setting('PERENNIAL_HOME', 'data') | replace("'", "''") ~ "/landing/" ~ kind ~ "/" ~ table ~ "/*.parquet'") -%}
        {%- endfor -%}
    {%- endfor -%}
    {{- return(paths | join(', ')) -}}
{%- endmacro %}

{# Names of the sources whose rows a vendor's staging makes of several landed tables: one landed row may change many of them. #}
{% macro vendor_sources(tables) %}
    {%- set kinds = [] -%}
    {%- for table in tables -%}{%- do kinds.extend(var('filled_by').get(table, [])) -%}{%- endfor -%}
    {%- if not execute or model.resource_type == 'unit_test' or not kinds -%}{{ return([]) }}{%- endif -%}
    {%- set question -%}
        select distinct split_part(parse_filename(file), '.', 2) as source_name
        from glob([{{ landed_paths(['*'], kinds | unique) }}])
        where parse_filename(file) not like '\_%' escape '\' order by source_name
    {%- endset -%}
    {{ return(run_query(question).columns[0].values() | list) }}
{% endmacro %}

{# The SQL of views as they are tonight. #}
{% macro view_definitions(names) %}
    {{ return(run_query("select string_agg(sql, ';' order by schema_name, view_name) from duckdb_views() where view_name in ('" ~ names | join("', '") ~ "')").columns[0].values()[0] or '') }}
{% endmacro %}
