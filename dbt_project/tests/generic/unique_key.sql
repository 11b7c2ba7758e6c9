{# Rows without a whole key, and keys held by more than one row. Says the key only: a failing row never prints a person. #}
{% test unique_key(model, columns, may_be_null=[]) %}
{%- set key = columns | join(', ') %}
select {{ key }}, count(*) as rows_count
from {{ model }}
group by {{ key }}
having count(*) > 1{% for column in columns if column not in may_be_null %} or {{ column }} is null{% endfor %}
{% endtest %}
