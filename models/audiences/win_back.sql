-- One row per person who bought before, has lapsed, and has agreed to marketing e-mail.
with customers as (select * from {{ ref('customers') }}),

stages as (select * from {{ ref('customer_stages') }} where stage_model = 'five_stage'),

consents as (select * from {{ ref('customer_consents') }} where channel = 'email' and purpose = 'marketing'),

-- no statement is no consent, and one brand's denial is enough: the audience names no brand
consenting as (
    select customer_id
    from consents
    group by customer_id
    having min(case status when 'granted' then 1 else 0 end) = 1
),

members as (
    select customers.customer_id
    from customers
    inner join stages on customers.customer_id = stages.customer_id
    inner join consenting on customers.customer_id = consenting.customer_id
    where stages.stage = 'lapsed' and customers.email is not null
)

select * from members
