{# Bounds of triggers as spans of time. Nothing here knows a particular trigger. #}

{# The bounds that any trigger sets, as (trigger, fact, bound). #}
{% macro trigger_bounds() %}
    {%- set found = [] -%}
    {%- for name, trigger in triggers().items() -%}
        {%- for fact, bound in trigger['bounds'].items() -%}{%- do found.append({'trigger': name, 'fact': fact, 'min': bound['min'], 'max': bound.get('max')}) -%}{%- endfor -%}
    {%- endfor -%}
    {{- return(found) -}}
{% endmacro %}

{# Whether a silence from one time to another, or to none, may be one that a bound over this fact asks for. What was broken before the fewest days of
   any bound is none; a day and more are left for the edges of days. #}
{% macro is_silent(fact, from_at, until_at) %}
    {%- set fewest = trigger_bounds_of(fact) | map(attribute='min') | list | sort | first -%}
    {{- return("(" ~ until_at ~ " is null or " ~ until_at ~ " >= " ~ hours_after(from_at, (fewest - 2) * 24) ~ ")" if fewest else "false") -}}
{% endmacro %}

{# Those over one fact. #}
{% macro trigger_bounds_of(fact) %}
    {{- return(trigger_bounds() | selectattr('fact', 'equalto', fact) | list) -}}
{% endmacro %}

{# The spans in which one bound of a trigger holds (customer_id, from_at, until_at, cause_event_id), within condition_causes: null where they do not end, and
   where an order is the cause. #}
{% macro spans_of(trigger, fact, bound) %}
    {%- if fact.startswith('days_') -%}
        {%- set until_at = "least(ended_at, " ~ local_midnight(days_after('active_on', bound['max'] + 1)) ~ ")" if 'max' in bound else 'ended_at' -%}
        {{- return(
            "select customer_id, " ~ local_midnight(days_after('active_on', bound['min'])) ~ " as from_at, " ~ until_at ~ " as until_at, cause_event_id "
            ~ "from silences where fact = '" ~ fact ~ "'"
        ) -}}
    {%- elif fact == 'orders_count' -%}
        {{- return(
            "select customer_id, ordered_at as from_at, cast(null as timestamp) as until_at, cast(null as " ~ dbt.type_string() ~ ") as cause_event_id "
            ~ "from " ~ ref('customer_orders') ~ " where order_number = " ~ bound['min']
        ) -}}
    {%- endif -%}
    {{- return(
        "select customer_id, from_at, until_at, cast(null as " ~ dbt.type_string() ~ ") as cause_event_id "
        ~ "from unbroken where is_first and trigger_name = '" ~ trigger ~ "' and fact = '" ~ fact ~ "'"
    ) -}}
{% endmacro %}

{# Where spans of all of several selects hold at once; what began last is the cause. #}
{% macro overlaps(spans) %}
    {%- set sql = namespace(all=spans[0]) -%}
    {%- for other in spans[1:] -%}
        {%- set sql.all =
            "select one.customer_id, greatest(one.from_at, other.from_at) as from_at, least(one.until_at, other.until_at) as until_at, "
            ~ "greatest(case when one.from_at >= other.from_at then one.cause_event_id end, case when other.from_at >= one.from_at then other.cause_event_id end) as cause_event_id "
            ~ "from (" ~ sql.all ~ ") as one inner join (" ~ other ~ ") as other on one.customer_id = other.customer_id "
            ~ "and (one.until_at is null or other.from_at < one.until_at) and (other.until_at is null or one.from_at < other.until_at)"
        -%}
    {%- endfor -%}
    {{- return(sql.all) -}}
{% endmacro %}
