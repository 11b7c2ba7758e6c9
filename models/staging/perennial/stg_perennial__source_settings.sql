-- One row per configured source.
with source_settings as (
    select
        source_name,
        kind,
        brand,
        stale_after_seconds,
        treat_accepts_marketing_as,
        shares_ids_with,
        has_order_lines,
        country,
        is_compared
    from {{ source('perennial', 'source_settings') }}
)

select * from source_settings
