-- One row per person, channel and change that was ever to be delivered, with its receipt or the reason why not.
with deliveries as (select * from {{ ref('sent_deliveries') }}),

known as (
    select
        delivery_key, plan_id, audience, destination, customer_id, action, status, attempts, receipt, reason, created_at,
        acknowledged_at
    from deliveries
)

select * from known
