{# Where DuckDB and Spark differ over dates and times, and nothing else. Times are UTC `timestamp`s without zone. #}

{# Calendar date of a UTC time in the business time zone: d(x) of the contract. #}
{% macro local_date(at, time_zone=none) %}
    {{- return(adapter.dispatch('local_date', 'perennial')(at, time_zone or business_time_zone())) -}}
{% endmacro %}

{% macro default__local_date(at, time_zone) %}
    {%- if time_zone == 'UTC' -%}{{ return("cast(" ~ at ~ " as date)") }}
    {%- else -%}{{ return("cast(timezone('" ~ time_zone ~ "', timezone('UTC', " ~ at ~ ")) as date)") }}{%- endif -%}
{% endmacro %}

{% macro spark__local_date(at, time_zone) %}
    {{- return("cast(from_utc_timestamp(" ~ at ~ ", '" ~ time_zone ~ "') as date)") -}}
{% endmacro %}

{# The UTC time at which a business day begins. #}
{% macro local_midnight(on_date, time_zone=none) %}
    {{- return(adapter.dispatch('local_midnight', 'perennial')(on_date, time_zone or business_time_zone())) -}}
{% endmacro %}

{% macro default__local_midnight(on_date, time_zone) %}
    {%- if time_zone == 'UTC' -%}{{ return("cast(" ~ on_date ~ " as timestamp)") }}
    {%- else -%}{{ return("timezone('UTC', timezone('" ~ time_zone ~ "', cast(" ~ on_date ~ " as timestamp)))") }}{%- endif -%}
{% endmacro %}

{% macro spark__local_midnight(on_date, time_zone) %}
    {{- return("to_utc_timestamp(cast(" ~ on_date ~ " as timestamp), '" ~ time_zone ~ "')") -}}
{% endmacro %}

{# Whole days from one date to a later one. #}
{% macro days_between(from_on, to_on) %}
    {{- return(adapter.dispatch('days_between', 'perennial')(from_on, to_on)) -}}
{% endmacro %}

{% macro default__days_between(from_on, to_on) %}
    {{- return("date_diff('day', " ~ from_on ~ ", " ~ to_on ~ ")") -}}
{% endmacro %}

{% macro spark__days_between(from_on, to_on) %}
    {{- return("datediff(" ~ to_on ~ ", " ~ from_on ~ ")") -}}
{% endmacro %}

{# A date some whole days later, as a date. #}
{% macro days_after(on_date, days) %}
    {{- return(adapter.dispatch('days_after', 'perennial')(on_date, days)) -}}
{% endmacro %}

{% macro default__days_after(on_date, days) %}
    {{- return("cast(" ~ on_date ~ " + " ~ days ~ " as date)") -}}
{% endmacro %}

{% macro spark__days_after(on_date, days) %}
    {{- return("date_add(" ~ on_date ~ ", " ~ days ~ ")") -}}
{% endmacro %}

{# One row per period start between two dates, both included; unit day, week or month. Column: period_start_on. #}
{% macro period_starts(first_on, last_on, unit) %}
    {{- return(adapter.dispatch('period_starts', 'perennial')(first_on, last_on, unit)) -}}
{% endmacro %}

{% macro default__period_starts(first_on, last_on, unit) %}
    {{- return("select cast(unnest(generate_series(cast(" ~ first_on ~ " as timestamp), cast(" ~ last_on ~ " as timestamp), interval 1 " ~ unit ~ ")) as date) as period_start_on") -}}
{% endmacro %}

{% macro spark__period_starts(first_on, last_on, unit) %}
    {{- return("select explode(sequence(" ~ first_on ~ ", " ~ last_on ~ ", interval 1 " ~ unit ~ ")) as period_start_on") -}}
{% endmacro %}

{% macro seconds_between(from_at, to_at) %}
    {{- return(adapter.dispatch('seconds_between', 'perennial')(from_at, to_at)) -}}
{% endmacro %}

{% macro default__seconds_between(from_at, to_at) %}{{ return("date_diff('second', " ~ from_at ~ ", " ~ to_at ~ ")") }}{% endmacro %}

{% macro spark__seconds_between(from_at, to_at) %}{{ return("(unix_timestamp(" ~ to_at ~ ") - unix_timestamp(" ~ from_at ~ "))") }}{% endmacro %}

{# Time between two instants in days of 24 hours, as a fraction. #}
{% macro elapsed_days(from_at, to_at) %}
    {{- return(adapter.dispatch('elapsed_days', 'perennial')(from_at, to_at)) -}}
{% endmacro %}

{% macro default__elapsed_days(from_at, to_at) %}
    {{- return("date_diff('microsecond', " ~ from_at ~ ", " ~ to_at ~ ") / cast(86400000000 as double)") -}}
{% endmacro %}

{% macro spark__elapsed_days(from_at, to_at) %}
    {{- return("(unix_micros(" ~ to_at ~ ") - unix_micros(" ~ from_at ~ ")) / cast(86400000000 as double)") -}}
{% endmacro %}

{# The same time of the business clock some whole days earlier, as a UTC time. #}
{% macro days_earlier(at, days, time_zone=none) %}
    {{- return(adapter.dispatch('days_earlier', 'perennial')(at, days, time_zone or business_time_zone())) -}}
{% endmacro %}

{% macro default__days_earlier(at, days, time_zone) %}
    {%- if time_zone == 'UTC' -%}{{ return("(" ~ at ~ " - interval " ~ days ~ " day)") }}
    {%- else -%}{{ return("timezone('UTC', timezone('" ~ time_zone ~ "', timezone('" ~ time_zone ~ "', timezone('UTC', " ~ at ~ ")) - interval " ~ days ~ " day))") }}{%- endif -%}
{% endmacro %}

{% macro spark__days_earlier(at, days, time_zone) %}
    {{- return("to_utc_timestamp(from_utc_timestamp(" ~ at ~ ", '" ~ time_zone ~ "') - interval " ~ days ~ " day, '" ~ time_zone ~ "')") -}}
{% endmacro %}

{# The first day of the month some calendar months later. #}
{% macro months_after(month_on, months) %}
    {{- return(adapter.dispatch('months_after', 'perennial')(month_on, months)) -}}
{% endmacro %}

{% macro default__months_after(month_on, months) %}
    {{- return("cast(" ~ month_on ~ " + to_months(" ~ months ~ ") as date)") -}}
{% endmacro %}

{% macro spark__months_after(month_on, months) %}
    {{- return("add_months(" ~ month_on ~ ", " ~ months ~ ")") -}}
{% endmacro %}
