-- One row per person known before as_of: the customer 360. Each subject is aggregated in a model of its own.
with people as (select * from {{ ref('people') }}),

attributes as (select * from {{ ref('attributes') }}),

addresses as (select * from {{ ref('addresses') }}),

time_zones as (select * from {{ ref('time_zones') }}),

reachable_channels as (select * from {{ ref('reachable_channels') }}),

order_totals as (select * from {{ ref('order_totals') }}),

refund_totals as (select * from {{ ref('refund_totals') }}),

category_totals as (select * from {{ ref('category_totals') }}),

cart_totals as (select * from {{ ref('cart_totals') }}),

message_totals as (select * from {{ ref('message_totals') }}),

conversation_totals as (select * from {{ ref('conversation_totals') }}),

visit_totals as (select * from {{ ref('visit_totals') }}),

touch_points as (select * from {{ ref('touch_points') }}),

advocates as (select customer_id, cast(count(*) as integer) as advocacy_count from {{ ref('advocacy_acts') }} group by customer_id),

-- people whose revenue is unknown (no exchange rate) say nothing about the mean
store as (
    select cast(sum(revenue_amount) / nullif(sum(case when revenue_amount is not null then orders_count end), 0) as decimal(18, 4)) as aov_amount
    from order_totals
),

joined as (
    select
        people.customer_id, addresses.email, addresses.phone,
        attributes.first_name, attributes.last_name, attributes.country, attributes.birth_on, attributes.owner_id,
        time_zones.time_zone, reachable_channels.reachable_channels, people.first_seen_at, people.sources,
        order_totals.first_order_at, order_totals.last_order_at,
        {{ counts_or_nought('order_totals', ['orders_count', 'items_count']) }},
        {{ amounts_or_nought('order_totals', ['revenue_amount']) }},
        {{ counts_or_nought('refund_totals', ['refunds_count']) }},
        {{ amounts_or_nought('refund_totals', ['refunded_amount']) }},
        {{ counts_or_nought('category_totals', ['categories_count']) }},
        {{ counts_or_nought('cart_totals', ['carts_started_count', 'carts_abandoned_count']) }},
        {{ counts_or_nought('message_totals', ['messages_sent_count', 'messages_opened_count', 'messages_clicked_count', 'replies_count']) }},
        {{ counts_or_nought('conversation_totals', ['conversations_count', 'unanswered_conversations_count']) }},
        category_totals.favourite_category,
        touch_points.first_touch_at, touch_points.first_touch_source, touch_points.first_touch_campaign,
        touch_points.last_touch_at, touch_points.last_touch_source, touch_points.last_touch_campaign,
        cast(order_totals.revenue_amount / nullif(order_totals.orders_count, 0) as decimal(18, 4)) as aov_amount,
        {{ days_between('order_totals.last_order_on', local_date(as_of())) }} as days_since_last_order,
        {{ days_since('message_totals.last_opened_at') }} as days_since_last_open,
        {{ days_since('message_totals.last_clicked_at') }} as days_since_last_click,
        {{ days_since('message_totals.last_reply_at') }} as days_since_last_reply,
        {{ days_since('visit_totals.last_visit_at') }} as days_since_last_visit,
        {{ days_since(
            'greatest(order_totals.last_order_at, cart_totals.last_cart_at, message_totals.last_opened_at, message_totals.last_clicked_at, '
            ~ 'message_totals.last_reply_at, conversation_totals.last_conversation_at, visit_totals.last_visit_at)'
        ) }} as days_since_last_activity,
        case when people.reachable_from < {{ as_of() }} then 1 else 0 end as is_reachable,
        store.aov_amount as store_aov_amount,
        coalesce(advocates.advocacy_count, 0) as advocacy_count
    from people
    cross join store
    {%- for subject in [
        'attributes', 'addresses', 'time_zones', 'reachable_channels', 'order_totals', 'refund_totals', 'category_totals', 'cart_totals',
        'message_totals', 'conversation_totals', 'visit_totals', 'touch_points', 'advocates',
    ] %}
    left join {{ subject }} on people.customer_id = {{ subject }}.customer_id
    {%- endfor %}
),

judged as (
    select
        customer_id, email, phone, first_name, last_name, country, birth_on, owner_id, time_zone, reachable_channels,
        first_seen_at, first_order_at, last_order_at,
        {{ columns_of_windows(['orders_count', 'refunds_count', 'items_count', 'categories_count']) }},
        {{ columns_of_windows(['revenue_amount', 'refunded_amount'], 'decimal(18, 4)') }},
        {{ columns_of_windows(['carts_started_count', 'carts_abandoned_count', 'messages_sent_count', 'messages_opened_count']) }},
        {{ columns_of_windows(['messages_clicked_count', 'replies_count', 'conversations_count', 'unanswered_conversations_count']) }},
        cast(revenue_amount - refunded_amount as decimal(18, 4)) as net_revenue_amount,
        aov_amount, favourite_category,
        cast({{ business_currency() }} as {{ dbt.type_string() }}) as currency,
        cast(days_since_last_order as integer) as days_since_last_order,
        days_since_last_open, days_since_last_click, days_since_last_reply, days_since_last_visit, days_since_last_activity,
        first_touch_at, first_touch_source, first_touch_campaign, last_touch_at, last_touch_source, last_touch_campaign,
        {{ stage_case(
            'five_stage', orders_count='orders_count', days_since_last_order='days_since_last_order', is_reachable='is_reachable',
            is_high_value='case when aov_amount >= store_aov_amount then 1 else 0 end', advocacy_count='advocacy_count', conversations_count='conversations_count'
        ) }} as lifecycle_stage,
        {{ rfm_segment('days_since_last_order', 'orders_count', 'aov_amount', 'store_aov_amount') }} as rfm_segment,
        sources
    from joined
)

select * from judged
