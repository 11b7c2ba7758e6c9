-- One row per plan of an activation.
with plans as (select * from {{ ref('stg_perennial__plans') }})

select * from plans
