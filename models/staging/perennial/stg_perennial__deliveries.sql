-- One row per delivery to a channel.
with deliveries as (
    select
        delivery_key,
        plan_id,
        audience,
        destination,
        customer_id,
        action,
        status,
        attempts,
        receipt,
        reason,
        created_at,
        acknowledged_at
    from {{ source('perennial', 'deliveries') }}
)

select * from deliveries
