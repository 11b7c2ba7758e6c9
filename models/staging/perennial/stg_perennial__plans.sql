-- One row per plan of an activation.
with plans as (
    select
        plan_id,
        audience,
        destination,
        snapshot_id,
        plan_hash,
        verdict,
        reason,
        joins_count,
        leaves_count,
        held_count,
        audience_count,
        created_at
    from {{ source('perennial', 'plans') }}
)

select * from plans
