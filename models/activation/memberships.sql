-- One row per person whom a channel holds as a member of an audience.
with memberships as (select * from {{ ref('sent_memberships') }}),

known as (select audience, destination, customer_id, member_since, delivery_key from memberships)

select * from known
