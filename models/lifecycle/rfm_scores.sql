-- One row per person with a valid order and method: scores from 1 to 5, where 5 is best, and the RFM group.
-- unsplit: equal values share a score. split: fifths of equal size, ties fall by customer_id. Money without an exchange rate has no score.
with facts as (select * from {{ ref('rfm_facts') }}),

store as (
    select cast(sum(monetary_amount) / nullif(sum(case when monetary_amount is not null then frequency end), 0) as decimal(18, 4)) as aov_amount
    from facts
),

grouped as (
    select
        facts.*,
        {{ rfm_segment('facts.recency_days', 'facts.frequency', 'cast(facts.monetary_amount / facts.frequency as decimal(18, 4))', 'store.aov_amount') }} as rfm_segment
    from facts
    cross join store
),

unsplit as (
    select
        customer_id, 'unsplit' as method, recency_days, frequency, monetary_amount,
        {{ unsplit_score('count(*) over (order by recency_days desc)', 'count(*) over ()') }} as r_score,
        {{ unsplit_score('count(*) over (order by frequency)', 'count(*) over ()') }} as f_score,
        case when monetary_amount is not null then {{ unsplit_score('count(monetary_amount) over (order by monetary_amount)', 'count(monetary_amount) over ()') }} end as m_score,
        rfm_segment
    from grouped
),

split as (
    select
        customer_id, 'split' as method, recency_days, frequency, monetary_amount,
        cast(ntile(5) over (order by recency_days desc, customer_id) as integer) as r_score,
        cast(ntile(5) over (order by frequency, customer_id) as integer) as f_score,
        case when monetary_amount is not null then cast(ntile(5) over (partition by monetary_amount is null order by monetary_amount, customer_id) as integer) end as m_score,
        rfm_segment
    from grouped
),

rfm_scores as (
    select * from unsplit
    union all
    select * from split
)

select * from rfm_scores
