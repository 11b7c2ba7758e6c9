-- One row per KPI on stages, variant, month and segment: entrants who went on, entrants who were lost, days until the sale.
with stage_months as (select * from {{ ref('stage_months') }}),

stage_conversions as (select * from {{ ref('stage_conversions') }} where to_stage = '(any later)'),

losses as (select *, {{ period_start(local_date('stage_before_from'), 'month') }} as month from {{ ref('losses') }} where stage_before is not null),

dwell as (select * from {{ ref('stage_dwell') }}),

days_to_won as (select * from {{ ref('days_to_won') }} where stage_model = '{{ var('sales_cycle_model') }}'),

later_stages as (select distinct stage_model, from_stage from {{ text_rows(later_stages(), 'pairs', ['stage_model', 'from_stage', 'to_stage']) }}),

-- a month in which nobody entered a stage is 0 of 0
conversion as (
    {% for days in var('conversion_windows_days') %}
    select
        stage_months.stage_model || '_within_{{ days }}d' as variant, stage_months.month, stage_months.stage,
        coalesce(stage_conversions.converted_count, 0) as numerator, coalesce(stage_conversions.closed_count, 0) as denominator,
        {{ days_after(next_period_start('stage_months.month', 'month'), days) }} <= {{ local_date(as_of()) }} as is_closed
    from stage_months
    inner join later_stages on stage_months.stage_model = later_stages.stage_model and stage_months.stage = later_stages.from_stage
    left join stage_conversions
        on stage_months.stage_model = stage_conversions.stage_model and stage_months.month = stage_conversions.month
        and stage_months.stage = stage_conversions.from_stage and stage_conversions.within_days = {{ days }}
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

lost as (
    select stage_model, month, stage_before as stage, count(*) as lost_count
    from losses
    group by stage_model, month, stage_before
),

-- final when everybody who entered has left
drop_off as (
    select
        stage_months.stage_model as variant, stage_months.month, stage_months.stage,
        coalesce(lost.lost_count, 0) as numerator, stage_months.entered_count as denominator,
        stage_months.is_closed and stage_months.entered_count = coalesce(dwell.exited_count, 0) as is_closed
    from stage_months
    left join lost on stage_months.stage_model = lost.stage_model and stage_months.month = lost.month and stage_months.stage = lost.stage
    left join dwell on stage_months.stage_model = dwell.stage_model and stage_months.month = dwell.month and stage_months.stage = dwell.stage
    where stage_months.kind <> 'lost' and stage_months.stage_model in (select stage_model from stage_months where kind = 'lost')
),

rates as (
    select 'stage_conversion_rate' as kpi, * from conversion
    union all
    select 'stage_drop_off_rate', * from drop_off
),

segmented as (
    select kpi, variant, month, 'entered_stage' as dimension, stage as segment, numerator, denominator, is_closed from rates
    union all
    select kpi, variant, month, 'all', 'all', sum(numerator), sum(denominator), min(case when is_closed then 1 else 0 end) = 1
    from rates
    group by kpi, variant, month
),

months as (select month, is_closed from stage_months where stage_model = '{{ var('sales_cycle_model') }}' group by month, is_closed),

-- of all entrants: whoever is open has been for as long as the month is over, and no quantile below that can change
cycles as (
    {% for variant, days in [('median', 'won_median_days'), ('p90', 'won_p90_days'), ('all_median', 'median_days'), ('all_p90', 'p90_days')] %}
    select
        '{{ variant }}' as variant, months.month, days_to_won.{{ days }} as value,
        {% if variant in ['all_median', 'all_p90'] -%}
        months.is_closed
        and coalesce(days_to_won.{{ days }} <= {{ days_between(next_period_start('months.month', 'month'), local_date(as_of())) }}, days_to_won.open_count = 0, true) as is_closed
        {%- else -%}
        {{ days_after(next_period_start('months.month', 'month'), var('sales_cycle_within_days')) }} <= {{ local_date(as_of()) }} as is_closed
        {%- endif %}
    from months
    left join days_to_won on months.month = days_to_won.month
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

stage_rates as (
    select
        kpi, variant, 'month' as grain, month as period_start_on, dimension, segment,
        cast(numerator as decimal(18, 4)) as numerator, cast(denominator as decimal(18, 4)) as denominator,
        {{ ratio('numerator', 'denominator') }} as value, is_closed
    from segmented
    union all
    select 'sales_cycle_days', variant, 'month', month, 'all', 'all', cast(value as decimal(18, 4)), null, value, is_closed
    from cycles
)

select * from stage_rates
