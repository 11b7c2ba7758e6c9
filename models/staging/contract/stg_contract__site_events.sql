-- One row per source and event on a site: the version that counts.
with landed as (
    {{ current_rows('site_events', key=['event_id']) }}
),

site_events as (
    select
        event_id,
        customer_id,
        anonymous_id,
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
    from landed
)

select * from site_events
