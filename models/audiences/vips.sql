-- One row per person among the best fifth by money and the best two by frequency who has not lapsed and has agreed to marketing e-mail.
with customers as (select * from {{ ref('customers') }} where email is not null),

consenting as ({{ consenting('email', 'marketing') }}),

rfm_scores as (select * from {{ ref('rfm_scores') }}),

-- fifths of few people say little: then what stands in for them counts
scores as (
    select * from rfm_scores
    where method = (select coalesce(max(stands_in), 'unsplit') from rfm_scores where method = 'unsplit')
),

members as (
    select customers.customer_id
    from customers
    inner join consenting on customers.customer_id = consenting.customer_id
    inner join scores on customers.customer_id = scores.customer_id
    where scores.m_score = 5 and scores.f_score >= 4 and customers.days_since_last_order <= {{ var('lapsed_after_days') }}
)

select * from members
