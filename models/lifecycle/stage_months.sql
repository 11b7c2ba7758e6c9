-- One row per stage model, stage and business month: there at its start, entered, exited, still there at its end.
with stage_days as (select *, {{ period_start('on_date', 'month') }} as month from {{ ref('stage_days') }}),

sums as (
    select
        stage_model, month, stage, kind,
        cast(sum(entered_count) as bigint) as entered_count,
        cast(sum(exited_count) as bigint) as exited_count,
        cast(sum(first_stage_count) as bigint) as first_stage_count,
        max_by(customers_count, on_date) as still_there_count
    from stage_days
    group by stage_model, month, stage, kind
),

stage_months as (
    select
        stage_model, month, stage, kind,
        still_there_count - entered_count + exited_count as at_start_count,
        entered_count, exited_count, still_there_count, first_stage_count,
        {{ next_period_start('month', 'month') }} <= {{ local_date(as_of()) }} as is_closed
    from sums
)

select * from stage_months
