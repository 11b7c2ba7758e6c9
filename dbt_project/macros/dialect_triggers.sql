{# Where DuckDB and Spark differ over triggers, and nothing else. #}

{# A time some hours later. #}
{% macro hours_after(at, hours) %}{{ return(adapter.dispatch('hours_after', 'perennial')(at, hours)) }}{% endmacro %}

{% macro default__hours_after(at, hours) %}{{ return("(" ~ at ~ " + to_hours(cast(" ~ hours ~ " as integer)))") }}{% endmacro %}

{% macro spark__hours_after(at, hours) %}{{ return("(" ~ at ~ " + make_dt_interval(0, " ~ hours ~ "))") }}{% endmacro %}

{# The next value within a window that is not null. #}
{% macro next_known(value, window) %}{{ return(adapter.dispatch('next_known', 'perennial')(value, window)) }}{% endmacro %}

{% macro default__next_known(value, window) %}{{ return("lead(" ~ value ~ " ignore nulls) over " ~ window) }}{% endmacro %}

{% macro spark__next_known(value, window) %}{{ return("lead(" ~ value ~ ") ignore nulls over " ~ window) }}{% endmacro %}

{# The values of a group as a sorted list. #}
{% macro sorted_list(value) %}{{ return(adapter.dispatch('sorted_list', 'perennial')(value)) }}{% endmacro %}

{% macro default__sorted_list(value) %}{{ return("list(" ~ value ~ " order by " ~ value ~ ")") }}{% endmacro %}

{% macro spark__sorted_list(value) %}{{ return("array_sort(collect_list(" ~ value ~ "))") }}{% endmacro %}

{# Of a sorted list of dates the first, then each that lies more than so many days after the last one taken. #}
{% macro spaced_dates(dates, days) %}{{ return(adapter.dispatch('spaced_dates', 'perennial')(dates, days)) }}{% endmacro %}

{% macro default__spaced_dates(dates, days) %}
    {{- return(
        "list_reduce(list_transform(" ~ dates ~ ", lambda day: [day]), "
        ~ "lambda taken, day: case when date_diff('day', taken[-1], day[1]) > " ~ days ~ " then taken || day else taken end)"
    ) -}}
{% endmacro %}

{% macro spark__spaced_dates(dates, days) %}
    {{- return(
        "aggregate(" ~ dates ~ ", cast(array() as array<date>), (taken, day) -> case when size(taken) = 0 "
        ~ "or datediff(day, element_at(taken, -1)) > " ~ days ~ " then concat(taken, array(day)) else taken end)"
    ) -}}
{% endmacro %}

{# Whether a date is in such a list. #}
{% macro is_among(on_date, dates) %}{{ return(adapter.dispatch('is_among', 'perennial')(on_date, dates)) }}{% endmacro %}

{% macro default__is_among(on_date, dates) %}{{ return("list_contains(" ~ dates ~ ", " ~ on_date ~ ")") }}{% endmacro %}

{% macro spark__is_among(on_date, dates) %}{{ return("array_contains(" ~ dates ~ ", " ~ on_date ~ ")") }}{% endmacro %}
