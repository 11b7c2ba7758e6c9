-- One row per record and snapshot that gave it a customer id.
with journal as (select * from {{ ref('stg_journal__identity') }})

select * from journal
