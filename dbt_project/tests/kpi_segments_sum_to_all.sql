-- The segments of a dimension are a partition: their numerators and denominators add up to the row of all.
with kpi_values as (select * from {{ ref('kpi_values') }}),

whole as (select * from kpi_values where dimension = 'all'),

parts as (
    select
        kpi, variant, grain, period_start_on, dimension,
        {{ whole_sum('numerator') }} as numerator,
        {{ whole_sum('denominator') }} as denominator
    from kpi_values
    where dimension <> 'all'
    group by kpi, variant, grain, period_start_on, dimension
)

select parts.kpi, parts.variant, parts.grain, parts.period_start_on, parts.dimension, parts.numerator, whole.numerator as whole_numerator
from parts
left join whole
    on parts.kpi = whole.kpi
    and parts.variant = whole.variant
    and parts.grain = whole.grain
    and parts.period_start_on = whole.period_start_on
where whole.kpi is null
    or coalesce(parts.numerator, -1) <> coalesce(whole.numerator, -1)
    or coalesce(parts.denominator, -1) <> coalesce(whole.denominator, -1)
