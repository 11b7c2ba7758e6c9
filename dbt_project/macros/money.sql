{# An amount in the business currency, at the day's rate; null without one. No currency means the business currency. #}
{% macro in_business_currency(amount, currency, rate) %}
    {{- return(
        "case when " ~ currency ~ " is null or " ~ currency ~ " = " ~ business_currency() ~ " then " ~ amount
        ~ " else cast(" ~ amount ~ " * " ~ rate ~ " as decimal(18, 4)) end"
    ) -}}
{% endmacro %}
{# A sum that is unknown as soon as one of its parts is (an amount without an exchange rate): a partial sum would look right. #}
{% macro whole_sum(amount, condition=none) %}
    {%- set counted = " filter (where " ~ condition ~ ")" if condition else "" -%}
    {{- return("cast(case when count(*)" ~ counted ~ " = count(" ~ amount ~ ")" ~ counted ~ " then coalesce(sum(" ~ amount ~ ")" ~ counted ~ ", 0) end as decimal(18, 4))") -}}
{% endmacro %}
