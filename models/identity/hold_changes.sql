-- One row per hold that began or ended tonight; these rows go to the journal of holds.
with review as (
    select review_id, reason, rule, customer_id, other_customer_id
    from {{ ref('identity_review') }}
    where customer_id is not null
),

journal as (select * from {{ ref('hold_journal') }}),

last_known as (
    select review_id, reason, rule, customer_id, other_customer_id, action
    from journal
    qualify row_number() over (partition by review_id order by snapshot_id desc) = 1
),

standing as (select * from last_known where action = 'hold'),

changes as (
    select review.review_id, 'hold' as action, review.reason, review.rule, review.customer_id, review.other_customer_id
    from review
    left join standing on review.review_id = standing.review_id
    where standing.review_id is null
    union all
    select standing.review_id, 'release', standing.reason, standing.rule, standing.customer_id, standing.other_customer_id
    from standing
    left join review on standing.review_id = review.review_id
    where review.review_id is null
)

select * from changes
