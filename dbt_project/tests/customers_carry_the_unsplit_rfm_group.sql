-- Whoever has scores has the same group in the 360, and nobody else has one.
with customers as (select * from {{ ref('customers') }} where rfm_segment is not null),

scores as (select * from {{ ref('rfm_scores') }} where method = 'unsplit')

select coalesce(customers.customer_id, scores.customer_id) as customer_id, customers.rfm_segment, scores.rfm_segment as scored_segment
from customers
full outer join scores on customers.customer_id = scores.customer_id
where customers.customer_id is null or scores.customer_id is null or customers.rfm_segment <> scores.rfm_segment
