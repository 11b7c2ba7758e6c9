{# Where DuckDB and Spark differ over text, and nothing else. Dates and times are in dialect.sql. #}

{# Every match replaced, not only the first. #}
{% macro replace_all(text, pattern, replacement) %}
    {{- return(adapter.dispatch('replace_all', 'perennial')(text, pattern, replacement)) -}}
{% endmacro %}

{% macro default__replace_all(text, pattern, replacement) %}
    {{- return("regexp_replace(" ~ text ~ ", '" ~ pattern ~ "', '" ~ replacement ~ "', 'g')") -}}
{% endmacro %}

{% macro spark__replace_all(text, pattern, replacement) %}
    {{- return("regexp_replace(" ~ text ~ ", '" ~ pattern ~ "', '" ~ replacement ~ "')") -}}
{% endmacro %}

{% macro matches(text, pattern) %}
    {{- return(adapter.dispatch('matches', 'perennial')(text, pattern)) -}}
{% endmacro %}

{% macro default__matches(text, pattern) %}
    {{- return("regexp_matches(" ~ text ~ ", '" ~ pattern ~ "')") -}}
{% endmacro %}

{% macro spark__matches(text, pattern) %}
    {{- return("regexp_like(" ~ text ~ ", '" ~ pattern ~ "')") -}}
{% endmacro %}

{# Canonical composition, so that one written letter is one value. Spark has no function for it: landing composes text there. #}
{% macro nfc(text) %}
    {{- return(adapter.dispatch('nfc', 'perennial')(text)) -}}
{% endmacro %}

{% macro default__nfc(text) %}{{ return("nfc_normalize(" ~ text ~ ")") }}{% endmacro %}

{% macro spark__nfc(text) %}{{ return(text) }}{% endmacro %}

{# The distinct values of a group as one text, sorted and comma-separated. #}
{% macro distinct_list(text) %}
    {{- return(adapter.dispatch('distinct_list', 'perennial')(text)) -}}
{% endmacro %}

{# A list that is sorted in the end: DuckDB takes twice as long where an aggregate is told the order of its rows. #}
{% macro default__distinct_list(text) %}
    {{- return("array_to_string(list_sort(list(distinct " ~ text ~ ") filter (where " ~ text ~ " is not null)), ', ')") -}}
{% endmacro %}

{% macro spark__distinct_list(text) %}{{ return("array_join(array_sort(collect_set(" ~ text ~ ")), ', ')") }}{% endmacro %}

{# Inside a window: the last value that is not null. #}
{% macro last_known(column) %}{{ return(adapter.dispatch('last_known', 'perennial')(column)) }}{% endmacro %}

{% macro default__last_known(column) %}{{ return("last_value(" ~ column ~ " ignore nulls)") }}{% endmacro %}

{% macro spark__last_known(column) %}{{ return("last_value(" ~ column ~ ", true)") }}{% endmacro %}

{# A number of 60 bits that stands for a text, the same wherever and whenever it is asked for. #}
{% macro text_number(text) %}{{ return(adapter.dispatch('text_number', 'perennial')(text)) }}{% endmacro %}

{% macro default__text_number(text) %}{{ return("cast('0x' || substr(md5(" ~ text ~ "), 1, 15) as bigint)") }}{% endmacro %}

{% macro spark__text_number(text) %}{{ return("cast(conv(substr(md5(" ~ text ~ "), 1, 15), 16, 10) as bigint)") }}{% endmacro %}

{# Whether a text is one of a list, looked up only where it is asked. DuckDB plans a long `in` (list_contains too) as a join that every row
   goes through, whatever branch of a case it stands in. #}
{% macro listed(text, values) %}
    {{- return(adapter.dispatch('listed', 'perennial')(text, values)) -}}
{% endmacro %}

{% macro default__listed(text, values) %}{{ return("list_position(['" ~ values | join("', '") ~ "'], " ~ text ~ ") > 0") }}{% endmacro %}

{% macro spark__listed(text, values) %}{{ return("array_position(array('" ~ values | join("', '") ~ "'), " ~ text ~ ") > 0") }}{% endmacro %}

{# A number for the values of some columns, nulls among them; two rows with one number may still differ. #}
{% macro row_hash(columns) %}{{ return(adapter.dispatch('row_hash', 'perennial')(columns)) }}{% endmacro %}

{% macro default__row_hash(columns) %}{{ return("hash(" ~ columns | join(", ") ~ ")") }}{% endmacro %}

{% macro spark__row_hash(columns) %}{{ return("xxhash64(" ~ columns | join(", ") ~ ")") }}{% endmacro %}
