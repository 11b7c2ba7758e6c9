-- One row per KPI, variant, grain, period and segment.
with
{% set kpis = {
    'aov': ['aov'],
    'repeat_purchase_rate': ['repeat_purchase_rate'],
    'customer_retention_rate': ['customer_retention_rate', 'customer_retention_windows'],
    'reactivation_rate': ['reactivation_rate'],
    'reactivated_orders': ['reactivated_orders'],
    'time_to_first_reply': ['first_replies'],
} %}
{% for kpi, tables in kpis.items() %}
{% for table in tables %}
{{ table }} as (
    select
        '{{ kpi }}' as kpi, variant, grain, period_start_on, dimension, segment,
        {% if kpi == 'aov' %}{{ business_currency() }}{% else %}cast(null as {{ dbt.type_string() }}){% endif %} as currency,
        cast(numerator as decimal(18, 4)) as numerator, cast(denominator as decimal(18, 4)) as denominator, value, is_closed
    from {{ ref(table) }}
),
{% endfor %}
{% endfor %}

{% for table in ['stage_rates', 'deals_and_bookings'] %}
{{ table }} as (
    select kpi, variant, grain, period_start_on, dimension, segment, cast(null as {{ dbt.type_string() }}) as currency, numerator, denominator, value, is_closed
    from {{ ref(table) }}
),
{% endfor %}

kpi_values as (
    {% for table in kpis.values() | sum(start=[]) %}
    select * from {{ table }}
    union all
    {% endfor %}
    select * from stage_rates
    union all
    select * from deals_and_bookings
)

select * from kpi_values
