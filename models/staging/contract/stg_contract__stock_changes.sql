-- One row per source and product and time its stock changed: the version that counts.
with landed as (
    {{ current_rows('stock_changes', key=['product_id', 'changed_at']) }}
),

stock_changes as (
    select
        product_id,
        in_stock,
        changed_at,
        source_name,
        brand,
        loaded_at
    from landed
)

select * from stock_changes
