{{ config(materialized='view') }}
-- One row per stay that began before as_of: its length in days, and whether it ended. A stay still open at as_of is as long as seen so far.
with stage_history as (select * from {{ ref('stage_history') }} where valid_from < {{ as_of() }}),

stay_lengths as (
    select
        stage_model, stage, customer_id, valid_from,
        {{ period_start(local_date('valid_from'), 'month') }} as month,
        {{ elapsed_days('valid_from', 'least(coalesce(valid_to, ' ~ as_of() ~ '), ' ~ as_of() ~ ')') }} as stayed_days,
        case when valid_to < {{ as_of() }} then 1 else 0 end as is_exit
    from stage_history
)

select * from stay_lengths
