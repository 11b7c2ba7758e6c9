-- One row per stage model that says what is won, and month of funnel entry: how long the sale took (Kaplan-Meier).
with stage_history as (select * from {{ ref('stage_history') }} where valid_from < {{ as_of() }} and stage_model in ({{ models_with_won() }})),

people as (
    select
        stage_model, customer_id,
        min(valid_from) as entered_at,
        min(case when {{ is_won() }} then valid_from end) as won_at
    from stage_history
    group by stage_model, customer_id
),

entrants as (
    select
        stage_model, {{ period_start(local_date('entered_at'), 'month') }} as month,
        coalesce(won_at = entered_at, false) as is_won_at_once,
        case when won_at is null then 0 else 1 end as is_exit,
        {{ elapsed_days('entered_at', 'coalesce(won_at, ' ~ as_of() ~ ')') }} as stayed_days
    from people
),

cycles as (
    select *, case when is_exit = 1 and not is_won_at_once and stayed_days <= {{ var('sales_cycle_within_days') }} then stayed_days end as cycle_days
    from entrants
),

months as (
    select
        stage_model, month, count(case when is_won_at_once then 1 end) as won_at_once_count,
        count(cycle_days) as won_in_time_count,
        percentile_cont(0.5) within group (order by cycle_days) as won_median_days,
        percentile_cont(0.9) within group (order by cycle_days) as won_p90_days
    from cycles
    group by stage_model, month
),

-- whoever came with an order was never on the way to one
lengths as (
    select stage_model, month, stayed_days, count(*) as stays_count, sum(is_exit) as exits_count
    from entrants
    where not is_won_at_once
    group by stage_model, month, stayed_days
),

quantiles as ({{ kaplan_meier('lengths', ['stage_model', 'month']) }}),

days_to_won as (
    select
        months.stage_model, months.month,
        coalesce(quantiles.entered_count, 0) as entered_count,
        coalesce(quantiles.exited_count, 0) as won_count,
        coalesce(quantiles.entered_count - quantiles.exited_count, 0) as open_count,
        months.won_at_once_count, months.won_in_time_count,
        quantiles.median_days, quantiles.p90_days, months.won_median_days, months.won_p90_days
    from months
    left join quantiles on months.stage_model = quantiles.stage_model and months.month = quantiles.month
)

select * from days_to_won
