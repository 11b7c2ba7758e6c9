-- One row per source and table: its last load, how far it reaches, and whether it is stale.
with sources as (select * from {{ ref('sources') }}),

loads as (select * from {{ ref('source_loads') }}),

watermarks as (select * from {{ ref('table_watermarks') }}),

delivered as (
    select
        source_name, table_name, max(load_id) as last_load_id, max(loaded_at) as last_loaded_at,
        -- tables in a vendor's own terms are no input tables: what their loads said of them stands
        max(case when watermark_at < {{ as_of() }} then watermark_at end) as watermark_at, sum(landed_count) as landed_count
    from loads
    where not is_failed and table_name is not null
    group by source_name, table_name
),

-- a source that failed as a whole has no table to its name
last_loads as (
    select source_name, max_by(is_failed, load_id) as has_failed, max_by(reason, load_id) as failure
    from loads
    group by source_name
),

measured as (
    select
        sources.source_name, sources.kind, sources.stale_after_seconds,
        coalesce(delivered.table_name, '(none)') as table_name,
        delivered.last_load_id, delivered.last_loaded_at,
        coalesce(watermarks.watermark_at, case when sources.kind not in ('files', 'sql') then delivered.watermark_at end) as watermark_at,
        coalesce(watermarks.rows_count, case when sources.kind not in ('files', 'sql') then delivered.landed_count end, 0) as rows_count,
        coalesce(last_loads.has_failed, true) as has_failed,
        case when last_loads.source_name is null then 'never delivered' when last_loads.has_failed then last_loads.failure end as failure
    from sources
    left join delivered on sources.source_name = delivered.source_name
    left join watermarks on delivered.source_name = watermarks.source_name and delivered.table_name = watermarks.table_name
    left join last_loads on sources.source_name = last_loads.source_name
),

judged as (
    select
        *,
        -- lines and other tables without a time of their own cannot be late
        coalesce({{ seconds_between('watermark_at', as_of()) }} > stale_after_seconds, false) as is_stale
    from measured
),

reported as (
    select
        source_name, kind, table_name, last_load_id, last_loaded_at, watermark_at, cast(rows_count as bigint) as rows_count,
        has_failed, is_stale,
        case
            when has_failed then failure
            when is_stale then 'newest row lies more than ' || cast(cast(stale_after_seconds / 3600 as integer) as {{ dbt.type_string() }}) || ' hours before as_of'
        end as reason
    from judged
)

select * from reported
