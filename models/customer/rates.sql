-- One row per day and currency: what one unit is worth in the business currency. A direct quote wins over an inverted one.
with quotes as (select * from {{ ref('exchange_rates') }}),

both_ways as (
    select source_name, on_date, currency, rate, 0 as inversion
    from quotes
    where quote_currency = {{ business_currency() }}
    union all
    select source_name, on_date, quote_currency, cast(1 / nullif(rate, 0) as decimal(18, 8)), 1
    from quotes
    where currency = {{ business_currency() }}
),

best as (
    select on_date, currency, min_by(rate, cast(inversion as {{ dbt.type_string() }}) || source_name) as rate
    from both_ways
    where currency <> {{ business_currency() }}
    group by on_date, currency
)

select * from best
