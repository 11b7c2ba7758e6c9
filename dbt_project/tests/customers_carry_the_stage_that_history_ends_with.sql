-- The stage worked out from the facts at as_of and the stage that the history arrives at are one.
with customers as (select * from {{ ref('customers') }}),

stages as (select * from {{ ref('customer_stages') }} where stage_model = 'five_stage')

select coalesce(customers.customer_id, stages.customer_id) as customer_id, customers.lifecycle_stage, stages.stage
from customers
full outer join stages on customers.customer_id = stages.customer_id
where customers.customer_id is null or stages.customer_id is null or customers.lifecycle_stage is null or customers.lifecycle_stage <> stages.stage
