-- One row per stage model, stage and month of entry: stays, exits, the shortest stay still open, and the quantiles of all lengths as seen.
with stay_lengths as (select * from {{ ref('stay_lengths') }}),

stay_counts as (
    select
        stage_model, stage, month,
        count(*) as entered_count,
        cast(sum(is_exit) as bigint) as exited_count,
        min(case when is_exit = 0 then stayed_days end) as shortest_open_days,
        percentile_disc(0.5) within group (order by stayed_days) as median_days,
        percentile_disc(0.9) within group (order by stayed_days) as p90_days
    from stay_lengths
    group by stage_model, stage, month
)

select * from stay_counts
