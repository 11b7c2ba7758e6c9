{#
    Rows without a whole key, and keys held by more than one row. Says the key only: a failing row never prints a person.
    is_long: of a hundred million rows; they are counted by a hash of the key first, since hashes can be spilled and the keys themselves do not fit.
#}
{% test unique_key(model, columns, may_be_null=[], is_long=false) %}
{%- set key = columns | join(', ') %}
{%- set required = columns | reject('in', may_be_null) | list %}
select {{ key }}, count(*) as rows_count
from {{ model }}
{%- if is_long %}
where {{ row_hash(columns) }} in (
    select row_hash from (select {{ row_hash(columns) }} as row_hash from {{ model }}) as hashed group by row_hash having count(*) > 1
)
{%- endif %}
group by {{ key }}
having count(*) > 1
{%- if is_long %}
union all
select {{ key }}, 1 from {{ model }} where {{ required | join(' is null or ') }} is null
{%- else %}{% for column in required %} or {{ column }} is null{% endfor %}{% endif %}
{% endtest %}
