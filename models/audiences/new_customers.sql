-- One row per person whose only order lies within the last thirty days, and who has agreed to marketing e-mail.
with customers as (select * from {{ ref('customers') }} where email is not null),

consenting as ({{ consenting('email', 'marketing') }}),

members as (
    select customers.customer_id
    from customers
    inner join consenting on customers.customer_id = consenting.customer_id
    where customers.orders_count = 1 and customers.days_since_last_order <= {{ var('new_within_days') }}
)

select * from members
