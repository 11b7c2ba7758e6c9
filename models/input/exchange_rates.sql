-- One row per source and day and pair of currencies, as known before as_of.
with delivered as ({{ delivered('exchange_rates') }}),

known as (
    select
        on_date,
        currency,
        quote_currency,
        rate,
        source_name,
        brand,
        loaded_at
    from delivered
    -- the rate of a day is known once the day has begun
    where {{ local_midnight('on_date') }} < {{ as_of() }}
)

select * from known
