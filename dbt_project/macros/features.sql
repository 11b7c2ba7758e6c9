{# Figures of a person over windows that end at as_of. A window of N days reaches back to the dates d(as_of) - N and later, as CONTRACT counts days. #}

{# The windows, shortest first; none is all time. They are part of column names that readers rely on, so they are no var. #}
{% macro feature_windows() %}{{ return([none, 30, 90, 365]) }}{% endmacro %}

{# The columns of a figure: `orders_count` for all time, `orders_count_30d` and so on. #}
{% macro window_columns(name) %}
    {%- set columns = [] -%}
    {%- for days in feature_windows() -%}{%- do columns.append(name if days is none else name ~ "_" ~ days ~ "d") -%}{%- endfor -%}
    {{- return(columns) -}}
{% endmacro %}

{# Whether a time lies in the window. The bound is one instant for all rows: no row's date has to be worked out. #}
{% macro within_days(at, days, until=none) %}
    {{- return(at ~ " >= " ~ local_midnight(days_after(local_date(until or as_of()), -days))) -}}
{% endmacro %}

{# Whether a time lay in a window at `was_as_of` and does so no more, or was at `was_as_of` or later: what time alone changes. #}
{% macro left_or_came(at, was_as_of) %}
    {%- set spans = [at ~ " >= " ~ was_as_of] -%}
    {%- for days in feature_windows() if days is not none -%}
        {%- do spans.append("(" ~ within_days(at, days, was_as_of) ~ " and not " ~ within_days(at, days) ~ ")") -%}
    {%- endfor -%}
    {{- return("(" ~ spans | join(" or ") ~ ")") -}}
{% endmacro %}

{#
    How many times of a group lie in each window; with was_as_of, by how many that differs from those of `was_` ~ at in the windows that ended then.
    A time that is not there is null.
#}
{% macro counted_times(name, at, was_as_of=none) %}
    {%- if was_as_of is none -%}{{ return(windowed_counts(name, at, at ~ ' is not null')) }}{%- endif -%}
    {%- set columns = [] -%}
    {%- for days in feature_windows() -%}
        {%- set now = "count(" ~ at ~ ")" ~ (" filter (where " ~ within_days(at, days) ~ ")" if days is not none else "") -%}
        {%- set was = "count(was_" ~ at ~ ")" ~ (" filter (where " ~ within_days('was_' ~ at, days, was_as_of) ~ ")" if days is not none else "") -%}
        {%- do columns.append("cast(" ~ now ~ " - " ~ was ~ " as integer) as " ~ window_columns(name)[loop.index0]) -%}
    {%- endfor -%}
    {{- return(columns | join(",\n        ")) -}}
{% endmacro %}

{# How many rows of a group lie in each window, by `at`; where a condition is given, of those that meet it. #}
{% macro windowed_counts(name, at, condition=none) %}
    {%- set columns = [] -%}
    {%- for days in feature_windows() -%}
        {%- set terms = [] -%}
        {%- if condition -%}{%- do terms.append(condition) -%}{%- endif -%}
        {%- if days is not none -%}{%- do terms.append(within_days(at, days)) -%}{%- endif -%}
        {%- do columns.append("cast(count(*)" ~ (" filter (where " ~ terms | join(" and ") ~ ")" if terms else "") ~ " as integer) as " ~ window_columns(name)[loop.index0]) -%}
    {%- endfor -%}
    {{- return(columns | join(",\n        ")) -}}
{% endmacro %}

{# The sum of a quantity in each window; nought where there is none. #}
{% macro windowed_sums(name, at, quantity) %}
    {%- set columns = [] -%}
    {%- for days in feature_windows() -%}
        {%- do columns.append("cast(coalesce(sum(" ~ quantity ~ ")" ~ (" filter (where " ~ within_days(at, days) ~ ")" if days is not none else "") ~ ", 0) as decimal(18, 4)) as " ~ window_columns(name)[loop.index0]) -%}
    {%- endfor -%}
    {{- return(columns | join(",\n        ")) -}}
{% endmacro %}

{# The sum of an amount in each window, unknown as soon as one of its parts is (whole_sum). #}
{% macro windowed_amounts(name, at, amount) %}
    {%- set columns = [] -%}
    {%- for days in feature_windows() -%}
        {%- do columns.append(whole_sum(amount, within_days(at, days) if days is not none else none) ~ " as " ~ window_columns(name)[loop.index0]) -%}
    {%- endfor -%}
    {{- return(columns | join(",\n        ")) -}}
{% endmacro %}

{# Window columns of a part, summed over its rows. #}
{% macro summed_windows(name, data_type='integer') %}
    {%- set columns = [] -%}
    {%- for column in window_columns(name) -%}{%- do columns.append("cast(sum(" ~ column ~ ") as " ~ data_type ~ ") as " ~ column) -%}{%- endfor -%}
    {{- return(columns | join(",\n        ")) -}}
{% endmacro %}

{# Counts as customers shows them: nought for somebody whom the subject's table does not know. #}
{% macro counts_or_nought(table, names) %}
    {%- set columns = [] -%}
    {%- for name in names -%}{%- for column in window_columns(name) -%}{%- do columns.append("coalesce(" ~ table ~ "." ~ column ~ ", 0) as " ~ column) -%}{%- endfor -%}{%- endfor -%}
    {{- return(columns | join(",\n        ")) -}}
{% endmacro %}

{# Amounts as customers shows them: nought without any row, null where a part has no exchange rate. #}
{% macro amounts_or_nought(table, names) %}
    {%- set columns = [] -%}
    {%- for name in names -%}
        {%- for column in window_columns(name) -%}
            {%- do columns.append("case when " ~ table ~ ".customer_id is null then 0 else " ~ table ~ "." ~ column ~ " end as " ~ column) -%}
        {%- endfor -%}
    {%- endfor -%}
    {{- return(columns | join(",\n        ")) -}}
{% endmacro %}

{# The kind of address a channel reaches people by: email, phone, or none where the channel has ids of its own (push, messenger …). #}
{% macro address_kind(channel) -%}
    case when {{ channel }} = 'email' then 'email' when {{ channel }} in ('sms', 'whatsapp', 'voice') then 'phone' end
{%- endmacro %}

{# Window columns of several figures, as they are or cast. #}
{% macro columns_of_windows(names, data_type=none) %}
    {%- set columns = [] -%}
    {%- for name in names -%}
        {%- for column in window_columns(name) -%}
            {%- do columns.append("cast(" ~ column ~ " as " ~ data_type ~ ") as " ~ column if data_type else column) -%}
        {%- endfor -%}
    {%- endfor -%}
    {{- return(columns | join(", ")) -}}
{% endmacro %}

{# Whole business days from a time to as_of. #}
{% macro days_since(at) %}
    {{- return("cast(" ~ days_between(local_date(at), local_date(as_of())) ~ " as integer)") -}}
{% endmacro %}
