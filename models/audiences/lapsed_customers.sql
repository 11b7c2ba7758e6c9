-- One row per person who bought before but not within the last ninety days, and has agreed to marketing e-mail.
with customers as (select * from {{ ref('customers') }} where email is not null),

consenting as ({{ consenting('email', 'marketing') }}),

members as (
    select customers.customer_id
    from customers
    inner join consenting on customers.customer_id = consenting.customer_id
    where customers.days_since_last_order > {{ var('lapsed_after_days') }}
)

select * from members
