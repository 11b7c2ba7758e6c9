-- One row per load, source and table; a source that failed as a whole has one row without a table.
with loads as (select * from {{ ref('stg_perennial__loads') }})

select * from loads
