-- One row per event of a person that is no valid order, refund or message: what is told anew each night.
with events as (
    select * from {{ ref('timeline_shop') }}
    union all
    select * from {{ ref('timeline_crm') }}
    union all
    select * from {{ ref('timeline_talks') }}
)

select * from events where occurred_at is not null
