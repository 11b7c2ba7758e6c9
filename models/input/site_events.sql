-- One row per source and event on a site, as known before as_of.
with delivered as ({{ delivered('site_events') }}),

known as (
    select
        event_id,
        {{ real_id('customer_id') }} as customer_id,
        {{ real_id('anonymous_id') }} as anonymous_id,
        email,
        event_type,
        product_id,
        checkout_id,
        form_id,
        url,
        utm_source,
        utm_campaign,
        occurred_at,
        source_name,
        brand,
        loaded_at
    from delivered
    where occurred_at < {{ as_of() }}
)

select * from known
