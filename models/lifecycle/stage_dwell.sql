-- One row per stage model, stage and business month of entry: how many came, how many have left, and how long they stay.
with stay_survival as (select * from {{ ref('stay_survival') }}),

-- the tolerance takes up the rounding of logarithms: a curve that touches one half has reached it
stage_dwell as (
    select
        stage_model, stage, month,
        cast(sum(stays_count) as bigint) as entered_count,
        cast(sum(exits_count) as bigint) as exited_count,
        min(case when outlasting_share <= 0.5 + 1e-9 then stayed_days end) as median_days,
        min(case when outlasting_share <= 0.1 + 1e-9 then stayed_days end) as p90_days
    from stay_survival
    group by stage_model, stage, month
)

select * from stage_dwell
