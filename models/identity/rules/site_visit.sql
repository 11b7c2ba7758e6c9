-- One row per anonymous visitor who signed in as one customer; a device that several customers used proves nothing.
with site_events as (select * from {{ ref('site_events') }}),

records as (select * from {{ ref('records') }}),

visitors as (
    select source_name, anonymous_id, min(customer_id) as customer_id
    from site_events
    where anonymous_id is not null and customer_id is not null
    group by source_name, anonymous_id
    having count(distinct customer_id) = 1
),

visits as (
    -- two sites may number their visitors alike, and what links by one thing must not link by another of the same name
    select anonymous.node, customers.node as linked_node, visitors.source_name || '/' || visitors.anonymous_id as evidence
    from visitors
    inner join records as anonymous
        on visitors.source_name = anonymous.source_name
        and anonymous.record_type = 'anonymous'
        and visitors.anonymous_id = anonymous.record_id
    inner join records as customers
        on visitors.source_name = customers.source_name
        and customers.record_type = 'shop_customer'
        and visitors.customer_id = customers.record_id
)

select * from visits
