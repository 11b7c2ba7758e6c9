-- One row per stage model, stage, business month of entry and length of stay: how many stays ended then, and the share that
-- outlasts it (Kaplan-Meier: who is still there at as_of counts as long as seen, and as no end).
with stage_history as (select * from {{ ref('stage_history') }} where valid_from < {{ as_of() }}),

stays as (
    select
        stage_model, stage,
        {{ period_start(local_date('valid_from'), 'month') }} as month,
        {{ elapsed_days('valid_from', 'least(coalesce(valid_to, ' ~ as_of() ~ '), ' ~ as_of() ~ ')') }} as stayed_days,
        case when valid_to < {{ as_of() }} then 1 else 0 end as is_exit
    from stage_history
),

lengths as (
    select stage_model, stage, month, stayed_days, count(*) as stays_count, sum(is_exit) as exits_count
    from stays
    group by stage_model, stage, month, stayed_days
),

at_risk as (
    select
        *,
        sum(stays_count) over (partition by stage_model, stage, month order by stayed_days desc) as at_risk_count
    from lengths
),

-- a product of shares as a sum of logarithms; where all at risk leave nobody outlasts it, and exp(-1000) is 0
stay_survival as (
    select
        stage_model, stage, month, stayed_days, stays_count, exits_count,
        exp(sum(case when exits_count = at_risk_count then -1000 else ln(1 - cast(exits_count as double) / at_risk_count) end)
            over (partition by stage_model, stage, month order by stayed_days)) as outlasting_share
    from at_risk
)

select * from stay_survival
