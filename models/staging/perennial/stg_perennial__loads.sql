-- One row per load, source and table.
with loads as (
    select
        source_name,
        kind,
        table_name,
        load_id,
        loaded_at,
        received_count,
        accepted_count,
        landed_count,
        quarantined_count,
        watermark_at,
        is_failed,
        reason
    from {{ source('perennial', 'loads') }}
)

select * from loads
