-- One row per person who bought before, has lapsed, and has agreed to marketing e-mail.
with customers as (select * from {{ ref('customers') }}),

stages as (select * from {{ ref('customer_stages') }} where stage_model = 'five_stage'),

consenting as ({{ consenting('email', 'marketing') }}),

members as (
    select customers.customer_id
    from customers
    inner join stages on customers.customer_id = stages.customer_id
    inner join consenting on customers.customer_id = consenting.customer_id
    where stages.stage = 'lapsed' and customers.email is not null
)

select * from members
