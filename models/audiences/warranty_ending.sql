-- One row per person for whom a warranty ends soon, and who has agreed to marketing e-mail.
with customers as (select * from {{ ref('customers') }} where email is not null),

consenting as ({{ consenting('email', 'marketing') }}),

endings as (select * from {{ ref('warranty_endings') }}),

members as (
    select customers.customer_id
    from customers
    inner join consenting on customers.customer_id = consenting.customer_id
    where customers.customer_id in (select customer_id from endings)
)

select * from members
