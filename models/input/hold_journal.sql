-- One row per hold and snapshot in which it began or ended.
with hold_journal as (select * from {{ ref('stg_journal__holds') }})

select * from hold_journal
