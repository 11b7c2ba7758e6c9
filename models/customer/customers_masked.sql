{{ config(materialized='view') }}
-- One row per person: the customer 360 without anything that names or reaches them, for wide BI access.
with customers as (select * from {{ ref('customers') }}),

masked as (
    select
        customer_id, country, owner_id, time_zone, reachable_channels, first_seen_at, first_order_at, last_order_at,
        {{ columns_of_windows(['orders_count', 'revenue_amount', 'refunds_count', 'refunded_amount', 'items_count', 'categories_count']) }},
        {{ columns_of_windows(['carts_started_count', 'carts_abandoned_count', 'messages_sent_count', 'messages_opened_count']) }},
        {{ columns_of_windows(['messages_clicked_count', 'replies_count', 'conversations_count', 'unanswered_conversations_count']) }},
        net_revenue_amount, aov_amount, favourite_category, currency,
        days_since_last_order, days_since_last_open, days_since_last_click, days_since_last_reply, days_since_last_visit, days_since_last_activity,
        first_touch_at, first_touch_source, first_touch_campaign, last_touch_at, last_touch_source, last_touch_campaign,
        lifecycle_stage, rfm_segment, sources
    from customers
)

select * from masked
