{# Rows in which a column that must be filled is null: one scan for all of a table's required columns. #}
{% test required_columns(model, columns) %}
select *
from {{ model }}
where {% for column in columns %}{{ column }} is null{{ ' or ' if not loop.last }}{% endfor %}
{% endtest %}
