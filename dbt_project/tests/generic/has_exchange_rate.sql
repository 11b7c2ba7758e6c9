{# Currencies and days for which exchange_rates gives no rate: their amounts are null in the business currency. #}
{% test has_exchange_rate(model) %}
select ordered_on, currency, count(*) as orders_count
from {{ model }}
where business_revenue_amount is null
group by ordered_on, currency
{% endtest %}
