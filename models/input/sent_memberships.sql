-- One row per member that a channel holds.
with memberships as (select * from {{ ref('stg_perennial__memberships') }})

select * from memberships
