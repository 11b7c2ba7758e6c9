-- One row per stage model, stage and business month of entry: how many came, how many have left, and how long they stay.
-- As long as a quantile is shorter than every stay still open, all that short are over and it is a plain quantile.
with stay_counts as (select * from {{ ref('stay_counts') }}),

survival as (select * from {{ ref('open_stay_survival') }}),

-- the tolerance takes up the rounding of logarithms: a curve that touches one half has reached it
with_open as (
    select
        stage_model, stage, month,
        min(case when outlasting_share <= 0.5 + 1e-9 then stayed_days end) as median_days,
        min(case when outlasting_share <= 0.1 + 1e-9 then stayed_days end) as p90_days
    from survival
    group by stage_model, stage, month
),

stage_dwell as (
    select
        stay_counts.stage_model, stay_counts.stage, stay_counts.month,
        stay_counts.entered_count,
        stay_counts.exited_count,
        stay_counts.entered_count - stay_counts.exited_count as still_there_count,
        {% for quantile in ['median_days', 'p90_days'] %}
        case
            when stay_counts.shortest_open_days is null or stay_counts.{{ quantile }} < stay_counts.shortest_open_days then stay_counts.{{ quantile }}
            else with_open.{{ quantile }}
        end as {{ quantile }}{{ ',' if not loop.last }}
        {% endfor %}
    from stay_counts
    left join with_open
        on stay_counts.stage_model = with_open.stage_model and stay_counts.stage = with_open.stage and stay_counts.month = with_open.month
)

select * from stage_dwell
