{#
    What a unit test of a model is given for one of the relations it reads: dbt's own macro of this name, for DuckDB alone and with the
    columns of the relation asked for directly. Going through the adapter makes all macros ready anew for each relation of each test,
    and `safe_cast` is looked up anew for each column of it. A column that the relation lacks is an error, as there.
#}
{% macro get_fixture_sql(rows, column_name_to_data_types) %}
    {%- set types = {} -%}
    {%- for column in run_query("select column_name, column_type from (describe " ~ this ~ ")").rows -%}
        {%- do types.update({column[0] | lower: column[1]}) -%}
    {%- endfor -%}
    {%- set names = {} -%}
    {%- for name in types -%}{%- do names.update({name: adapter.quote(name)}) -%}{%- endfor -%}
    {%- for row in rows or [{}] %}
        {%- set given = format_row(row, types) %}
        select {% for name, type in types.items() %}{{ given[name] if name in given else 'cast(null as ' ~ type ~ ')' }} as {{ names[name] }}{{ ', ' if not loop.last }}{% endfor %}
        {{ 'union all' if not loop.last }}
    {%- endfor %}
    {{ 'limit 0' if not rows }}
{% endmacro %}
