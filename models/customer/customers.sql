-- One row per person known before as_of: the customer 360.
with people as (select * from {{ ref('people') }}),

attributes as (select * from {{ ref('attributes') }}),

addresses as (select * from {{ ref('addresses') }}),

order_totals as (select * from {{ ref('order_totals') }}),

refund_totals as (select * from {{ ref('refund_totals') }}),

-- people whose revenue is unknown (no exchange rate) say nothing about the mean
store as (
    select cast(sum(revenue_amount) / nullif(sum(case when revenue_amount is not null then orders_count end), 0) as decimal(18, 4)) as aov_amount
    from order_totals
),

joined as (
    select
        people.customer_id, addresses.email, addresses.phone, attributes.first_name, attributes.last_name, attributes.country,
        people.first_seen_at, order_totals.first_order_at, order_totals.last_order_at,
        coalesce(order_totals.orders_count, 0) as orders_count,
        case when order_totals.customer_id is null then 0 else order_totals.revenue_amount end as revenue_amount,
        case when refund_totals.customer_id is null then 0 else refund_totals.refunded_amount end as refunded_amount,
        cast(order_totals.revenue_amount / nullif(order_totals.orders_count, 0) as decimal(18, 4)) as aov_amount,
        {{ days_between('order_totals.last_order_on', local_date(as_of())) }} as days_since_last_order,
        case when people.reachable_from < {{ as_of() }} then 1 else 0 end as is_reachable,
        store.aov_amount as store_aov_amount,
        people.sources
    from people
    cross join store
    left join attributes on people.customer_id = attributes.customer_id
    left join addresses on people.customer_id = addresses.customer_id
    left join order_totals on people.customer_id = order_totals.customer_id
    left join refund_totals on people.customer_id = refund_totals.customer_id
),

judged as (
    select
        customer_id, email, phone, first_name, last_name, country, first_seen_at, first_order_at, last_order_at, orders_count,
        cast(revenue_amount as decimal(18, 4)) as revenue_amount,
        cast(refunded_amount as decimal(18, 4)) as refunded_amount,
        cast(revenue_amount - refunded_amount as decimal(18, 4)) as net_revenue_amount,
        aov_amount,
        cast({{ business_currency() }} as {{ dbt.type_string() }}) as currency,
        cast(days_since_last_order as integer) as days_since_last_order,
        {{ stage_case('five_stage', orders_count='orders_count', days_since_last_order='days_since_last_order', is_reachable='is_reachable') }} as lifecycle_stage,
        {{ rfm_segment('days_since_last_order', 'orders_count', 'aov_amount', 'store_aov_amount') }} as rfm_segment,
        sources
    from joined
)

select * from judged
