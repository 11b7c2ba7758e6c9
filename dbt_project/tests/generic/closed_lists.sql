{# Words that are in no closed list of their column: one query for all of a table's lists. #}
{% test closed_lists(model, words) %}
{%- for column, allowed in words.items() %}
select '{{ column }}' as column_name, {{ column }} as word, count(*) as rows_count
from {{ model }}
where {{ column }} not in ('{{ allowed | join("', '") }}')
group by {{ column }}
{{ 'union all' if not loop.last }}
{%- endfor %}
{% endtest %}
