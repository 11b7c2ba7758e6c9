-- One row per plan ever made: what was to change at a channel, and the guards' verdict.
with plans as (select * from {{ ref('sent_plans') }}),

known as (
    select
        plan_id, audience, destination, snapshot_id, plan_hash, verdict, reason, joins_count, leaves_count, held_count,
        audience_count, created_at
    from plans
)

select * from known
