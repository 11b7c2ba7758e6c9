-- One row per person who agreed to marketing e-mail within the last thirty days and has not bought yet.
with customers as (select * from {{ ref('customers') }} where email is not null),

-- by whichever brand they agreed to last
consenting as (
    select customer_id, max(changed_at) as agreed_at
    from {{ ref('customer_consents') }}
    where channel = 'email' and purpose = 'marketing'
    group by customer_id
    having min(case status when 'granted' then 1 else 0 end) = 1
),

members as (
    select customers.customer_id
    from customers
    inner join consenting on customers.customer_id = consenting.customer_id
    where customers.orders_count = 0 and {{ within_days('consenting.agreed_at', var('new_within_days')) }}
)

select * from members
