-- One row per member that a channel holds.
with memberships as (
    select
        audience,
        destination,
        customer_id,
        member_since,
        delivery_key
    from {{ source('perennial', 'memberships') }}
)

select * from memberships
