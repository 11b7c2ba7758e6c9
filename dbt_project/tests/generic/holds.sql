{# Rows that break an identity (gross − refunds = net). A condition that is null holds. #}
{% test holds(model, condition) %}
select *
from {{ model }}
where not coalesce({{ condition }}, true)
{% endtest %}
