-- One row per configured source, as perennial.yml says now.
with settings as (select * from {{ ref('stg_perennial__source_settings') }})

select * from settings
