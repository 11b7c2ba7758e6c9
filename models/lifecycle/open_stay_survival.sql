-- One row per stage model, stage, month of entry and length at which somebody left, from the shortest stay still open on: the share
-- that outlasts it by Kaplan-Meier, where a stay still open counts as long as seen and never as an end.
with stay_lengths as (select * from {{ ref('stay_lengths') }}),

stay_counts as (select * from {{ ref('stay_counts') }}),

lengths as (
    select
        stay_lengths.stage_model, stay_lengths.stage, stay_lengths.month, stay_lengths.stayed_days, stay_counts.entered_count,
        count(*) as stays_count,
        sum(stay_lengths.is_exit) as exits_count
    from stay_lengths
    inner join stay_counts
        on stay_lengths.stage_model = stay_counts.stage_model
        and stay_lengths.stage = stay_counts.stage
        and stay_lengths.month = stay_counts.month
        and stay_lengths.stayed_days >= stay_counts.shortest_open_days
    group by stay_lengths.stage_model, stay_lengths.stage, stay_lengths.month, stay_lengths.stayed_days, stay_counts.entered_count
),

at_risk as (
    select
        *,
        sum(stays_count) over (partition by stage_model, stage, month order by stayed_days desc) as at_risk_count,
        sum(stays_count) over (partition by stage_model, stage, month) as reached_count
    from lengths
),

-- shorter stays have all ended, so the curve begins at the share that came this far; a product of shares is a sum of logarithms,
-- and where all at risk leave, exp(-1000) is 0
open_stay_survival as (
    select
        stage_model, stage, month, stayed_days,
        cast(reached_count as double) / entered_count
        * exp(sum(case when exits_count = at_risk_count then -1000 else ln(1 - cast(exits_count as double) / at_risk_count) end)
            over (partition by stage_model, stage, month order by stayed_days)) as outlasting_share
    from at_risk
    where exits_count > 0
)

select * from open_stay_survival
