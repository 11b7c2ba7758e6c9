-- One row per person with a valid order and method: scores from 1 to 5, where 5 is best, and the RFM group.
-- unsplit: equal values share a score. split: fifths of equal size, ties fall by customer_id. fixed: by declared bounds. cadence: recency by the
-- shop's own repeat times, the rest as unsplit. Money without an exchange rate has no score.
with facts as (select * from {{ ref('rfm_facts') }}),

repeat_times as (select * from {{ ref('repeat_times') }}),

store as (
    select
        cast(sum(monetary_amount) / nullif(sum(case when monetary_amount is not null then frequency end), 0) as decimal(18, 4)) as aov_amount,
        count(*) >= {{ var('rfm_fifths_from_customers') }} as is_large
    from facts
),

scored as (
    select
        facts.*, store.is_large, repeat_times.is_own,
        {{ unsplit_score('count(*) over (order by facts.recency_days desc)', 'count(*) over ()') }} as unsplit_r,
        {{ unsplit_score('count(*) over (order by facts.frequency)', 'count(*) over ()') }} as unsplit_f,
        case when facts.monetary_amount is not null then {{ unsplit_score('count(facts.monetary_amount) over (order by facts.monetary_amount)', 'count(facts.monetary_amount) over ()') }} end as unsplit_m,
        case
            when facts.recency_days < repeat_times.recent_days then 5
            when facts.recency_days <= repeat_times.nurture_days then 4
            when facts.recency_days <= repeat_times.risk_days then 3
            when facts.recency_days <= 2 * repeat_times.risk_days then 2
            else 1
        end as cadence_r,
        {{ rfm_segment('facts.recency_days', 'facts.frequency', 'cast(facts.monetary_amount / facts.frequency as decimal(18, 4))', 'store.aov_amount') }} as rfm_segment,
        {{ rfm_segment(
            'facts.recency_days', 'facts.frequency', 'cast(facts.monetary_amount / facts.frequency as decimal(18, 4))', 'store.aov_amount',
            'repeat_times.recent_days', 'repeat_times.nurture_days', 'repeat_times.risk_days'
        ) }} as cadence_segment
    from facts
    cross join store
    cross join repeat_times
),

rfm_scores as (
    select
        customer_id, 'unsplit' as method, recency_days, frequency, monetary_amount, unsplit_r as r_score, unsplit_f as f_score, unsplit_m as m_score, rfm_segment,
        case when not is_large then 'fixed' end as stands_in
    from scored
    union all
    select
        customer_id, 'split', recency_days, frequency, monetary_amount,
        cast(ntile(5) over (order by recency_days desc, customer_id) as integer),
        cast(ntile(5) over (order by frequency, customer_id) as integer),
        case when monetary_amount is not null then cast(ntile(5) over (partition by monetary_amount is null order by monetary_amount, customer_id) as integer) end,
        rfm_segment, case when not is_large then 'fixed' end
    from scored
    union all
    select
        customer_id, 'fixed', recency_days, frequency, monetary_amount,
        {{ fixed_score('recency_days', 'recency_days') }}, {{ fixed_score('frequency', 'frequency') }}, {{ fixed_score('monetary_amount', 'monetary_amount') }},
        rfm_segment, null
    from scored
    union all
    select customer_id, 'cadence', recency_days, frequency, monetary_amount, cadence_r, unsplit_f, unsplit_m, cadence_segment, case when not is_own then 'declared_limits' end
    from scored
)

select * from rfm_scores
