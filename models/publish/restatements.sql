{{ config(materialized='view') }}
-- One row per published figure and snapshot that restated it. Publishing adds those of the snapshot that it writes.
with restatements as (select * from {{ ref('stg_journal__restatements') }})

select * from restatements
