-- One row per source that has ever delivered order lines: its orders count by their lines, those of others as they stand.
with loads as (select * from {{ ref('stg_perennial__loads') }}),

settings as (select * from {{ ref('stg_perennial__source_settings') }}),

line_sources as (
    select source_name
    from loads
    -- an empty file is a delivery too
    where table_name = 'shop_order_lines' and not is_failed and coalesce(accepted_count, received_count) is not null
    union
    select source_name from settings where has_order_lines
)

select * from line_sources
