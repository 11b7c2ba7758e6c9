-- One row per source and day and pair of currencies: the version that counts.
with landed as (
    {{ current_rows('exchange_rates', key=['on_date', 'currency', 'quote_currency']) }}
),

exchange_rates as (
    select
        on_date,
        currency,
        quote_currency,
        rate,
        source_name,
        brand,
        loaded_at
    from landed
)

select * from exchange_rates
