-- One row per person who spoke for the shop within the last year, and has agreed to marketing e-mail.
with customers as (select * from {{ ref('customers') }} where email is not null),

consenting as ({{ consenting('email', 'marketing') }}),

acts as (select * from {{ ref('advocacy_acts') }} where {{ within_days('occurred_at', 365) }}),

members as (
    select customers.customer_id
    from customers
    inner join consenting on customers.customer_id = consenting.customer_id
    where customers.customer_id in (select customer_id from acts)
)

select * from members
