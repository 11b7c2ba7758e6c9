-- One row per record and time it was given a customer id.
with identity as (
    select
        source_name,
        record_type,
        record_id,
        customer_id,
        action,
        cause,
        assigned_at,
        snapshot_id
    from {{ source('journal', 'identity') }}
)

select * from identity
