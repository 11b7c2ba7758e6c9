{#
    What lifecycle.order_states is: for everybody, and for those whom a night goes on with (history_night.sql).

    people, customer_orders   relations, or selects in brackets; all_orders: everybody's, where customer_orders are but some
    since                     a timestamp: of people with is_continued, the state that holds at it, from then on (is_ground), and what came after
#}
{% macro order_states(people, customer_orders, all_orders=none, since=none) %}
{%- set is_ground = "(people.is_continued and spoken.ordered_at < " ~ since ~ ")" if since else 'false' -%}
with people as (select * from {{ people }}),

customer_orders as (select * from {{ customer_orders }}),

first_orders as (select customer_id, ordered_at from customer_orders where order_number = 1),

-- the store's mean at as_of for the whole past, so that history ends with the RFM group that customers show
store as (
    {{ store_mean(all_orders or 'customer_orders') }}
),

before_the_first as (
    select
        people.customer_id, 0 as orders_count, {{ 'case when people.is_continued then ' ~ since ~ ' else people.first_seen_at end' if since else 'people.first_seen_at' }} as from_at, first_orders.ordered_at as until_at,
        cast(null as date) as ordered_on, 'first_seen' as cause_event_id, people.reachable_from, 0 as is_high_value,
        true as is_was_known, cast(null as integer) as was_orders_count, cast(null as integer) as was_days_since_last_order, cast(null as integer) as was_is_high_value,
        0 as begins_day{{ ', people.is_continued as is_ground' if since }}
    from people
    left join first_orders on people.customer_id = first_orders.customer_id
    where (first_orders.ordered_at is null or first_orders.ordered_at > people.first_seen_at)
        {%- if since %} and (not people.is_continued or first_orders.ordered_at is null or first_orders.ordered_at > {{ since }}){% endif %}
),

-- of several orders at one instant the last one speaks
spoken_orders as (
    select *, {{ begins_day('ordered_at', 'ordered_on') }} as begins_day
    from customer_orders
    where next_ordered_at is null or next_ordered_at > ordered_at
),

after_an_order as (
    select
        spoken.customer_id, spoken.order_number, {{ 'case when ' ~ is_ground ~ ' then ' ~ since ~ ' else spoken.ordered_at end' if since else 'spoken.ordered_at' }}, spoken.next_ordered_at, spoken.ordered_on,
        'order:' || spoken.source_name || ':' || spoken.order_id, people.reachable_from,
        case when cast(spoken.revenue_to_date_amount / spoken.order_number as decimal(18, 4)) >= store.aov_amount then 1 else 0 end,
        spoken.order_number = 1 or (spoken.previous_ordered_at < spoken.ordered_at and spoken.revenue_to_date_amount is not null){{ ' or ' ~ is_ground if since }},
        case when (spoken.order_number > 1 or people.first_seen_at < spoken.ordered_at){{ ' and not ' ~ is_ground if since }} then spoken.order_number - 1 end,
        spoken.days_since_previous_order - spoken.begins_day,
        case when cast((spoken.revenue_to_date_amount - spoken.business_revenue_amount) / nullif(spoken.order_number - 1, 0) as decimal(18, 4)) >= store.aov_amount then 1 else 0 end,
        spoken.begins_day{{ ', ' ~ is_ground if since }}
    from spoken_orders as spoken
    inner join people on spoken.customer_id = people.customer_id
    cross join store
    {%- if since %}
    where not people.is_continued or spoken.next_ordered_at is null or spoken.next_ordered_at > {{ since }}
    {%- endif %}
),

order_states as (
    select * from before_the_first
    union all
    select * from after_an_order
)

select * from order_states
{% endmacro %}

{# What a store's customers spend on an order in the mean, at as_of. #}
{% macro store_mean(customer_orders) -%}
    select cast(sum(revenue_to_date_amount) / nullif(sum(order_number), 0) as decimal(18, 4)) as aov_amount
    from {{ customer_orders }}
    where next_ordered_at is null and revenue_to_date_amount is not null
{%- endmacro %}
