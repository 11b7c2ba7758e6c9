-- One row per stage model, stage and reading: how many came and left, and how long they stay (Kaplan-Meier).
with stays as (select * from {{ ref('stay_lengths') }}),

-- a person's stays in one stage: the time of all of them together, and the last one by itself
people as (
    select
        stage_model, stage, customer_id,
        sum(stayed_days) as all_days,
        max_by(stayed_days, valid_from) as last_days,
        min(is_exit) as has_left
    from stays
    group by stage_model, stage, customer_id
),

readings as (
    select 'stays' as reading, stage_model, stage, stayed_days, is_exit from stays
    union all
    select 'recent', stage_model, stage, stayed_days, is_exit
    from stays
    where month < {{ period_start(local_date(as_of()), 'month') }}
        and month >= {{ months_after(period_start(local_date(as_of()), 'month'), -1 * var('recent_months')) }}
    union all
    select 'latest', stage_model, stage, last_days, has_left from people
    union all
    select 'cumulative', stage_model, stage, all_days, has_left from people
),

-- to the hour begun: as many lengths as there are hours, however many stays
lengths as (
    select
        reading, stage_model, stage, ceil(stayed_days * 24) / cast(24 as double) as stayed_days,
        count(*) as stays_count, sum(is_exit) as exits_count
    from readings
    group by reading, stage_model, stage, ceil(stayed_days * 24)
),

quantiles as ({{ kaplan_meier('lengths', ['stage_model', 'stage', 'reading']) }}),

stage_totals as (
    select
        stage_model, stage, {{ by_stage_model('kind') }} as kind, reading,
        entered_count, exited_count, entered_count - exited_count as still_there_count, median_days, p90_days
    from quantiles
)

select * from stage_totals
