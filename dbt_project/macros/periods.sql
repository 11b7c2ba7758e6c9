{# Calendar periods of the business and the shape of a KPI row. Dates are business dates; a week begins on Monday. #}

{% macro period_start(on_date, grain) %}
    {{- return("cast(date_trunc('" ~ grain ~ "', " ~ on_date ~ ") as date)") -}}
{% endmacro %}

{# The start of the period that follows the one starting on a date. #}
{% macro next_period_start(start_on, grain) %}
    {{- return("cast(" ~ start_on ~ " + interval 1 " ~ grain ~ " as date)") -}}
{% endmacro %}

{# The last business day of which something lies before a time: periods that have begun begin on it or earlier. #}
{% macro last_day_before(at) %}
    {{- return(local_date("(" ~ at ~ " - interval 1 microsecond)")) -}}
{% endmacro %}

{# 1 where a time is the first instant of its business day, else 0. Most are told by their seconds, without a clock's time zone. #}
{% macro begins_day(at, on_date) %}
    {{- return("case when date_trunc('minute', " ~ at ~ ") = " ~ at ~ " and " ~ last_day_before(at) ~ " < " ~ on_date ~ " then 1 else 0 end") -}}
{% endmacro %}

{# Whole calendar months from one month to a later one. #}
{% macro months_between_starts(from_on, to_on) %}
    {{- return("cast((year(" ~ to_on ~ ") - year(" ~ from_on ~ ")) * 12 + month(" ~ to_on ~ ") - month(" ~ from_on ~ ") as integer)") -}}
{% endmacro %}

{# A share or a mean; null where there is nothing to divide by. #}
{% macro ratio(numerator, denominator) %}
    {{- return("cast(" ~ numerator ~ " as double) / nullif(cast(" ~ denominator ~ " as double), 0)") -}}
{% endmacro %}
