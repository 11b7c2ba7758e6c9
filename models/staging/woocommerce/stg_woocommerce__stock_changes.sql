-- One row per source, WooCommerce product and time at which it was first seen in another state of stock than before.
with versions as (select * from {{ source('woocommerce', 'products') }}),

states as (select * from {{ ref('woocommerce_states') }} where topic = 'stock'),

-- every version is kept, so the changes of stock between two nights' readings are known; those within a night are not
seen as (
    select
        versions.source_name,
        versions.product_id,
        versions.updated_at,
        max(versions.brand) as brand,
        max(versions.loaded_at) as loaded_at,
        max(case when states.meaning = 'in_stock' then 1 else 0 end) = 1 as in_stock
    from versions
    inner join states on states.vendor_state = versions.stock_status
    where versions.updated_at is not null
    group by versions.source_name, versions.product_id, versions.updated_at
),

beside_the_one_before as (
    select
        seen.*,
        lag(in_stock) over (partition by source_name, product_id order by updated_at) as was_in_stock
    from seen
),

stock_changes as (
    select
        product_id,
        in_stock,
        updated_at as changed_at,
        source_name,
        brand,
        loaded_at
    from beside_the_one_before
    -- a product that was there from the first did not come back
    where coalesce(was_in_stock, true) <> in_stock
)

select * from stock_changes
