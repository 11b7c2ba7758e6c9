-- Per person and stage model: the first stay begins at first sight, every end is a beginning, and one stay is open.
with stage_history as (select * from {{ ref('stage_history') }}),

people as (select * from {{ ref('people') }}),

spans as (
    select
        customer_id, stage_model,
        min(valid_from) as began_at,
        max(valid_from) as open_from,
        max(valid_to) as last_ended_at,
        count(*) as stays_count,
        count(valid_to) as ended_count,
        count(previous_from) as followed_count,
        sum({{ elapsed_days('valid_from', 'valid_to') }}) as stayed_days
    from stage_history
    group by customer_id, stage_model
)

select people.customer_id, spans.stage_model
from people
left join spans on people.customer_id = spans.customer_id
where spans.customer_id is null
    or spans.began_at <> people.first_seen_at
    or spans.ended_count <> spans.stays_count - 1
    or spans.followed_count <> spans.stays_count - 1
    or spans.last_ended_at <> spans.open_from
    or abs(spans.stayed_days - {{ elapsed_days('spans.began_at', 'spans.open_from') }}) > 0.000001
