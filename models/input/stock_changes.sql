-- One row per source and product and time its stock changed, as known before as_of.
with delivered as ({{ delivered('stock_changes') }}),

known as (
    select
        product_id,
        in_stock,
        changed_at,
        source_name,
        brand,
        loaded_at
    from delivered
    where changed_at < {{ as_of() }}
)

select * from known
