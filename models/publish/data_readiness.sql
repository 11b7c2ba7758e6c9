{% set uses = {
    'shop_customers': 'accounts: who ordered under which address',
    'shop_products': 'names, categories and warranties of what was bought',
    'shop_orders': 'customers, stages, RFM, every KPI of orders',
    'shop_order_lines': 'revenue by line, what was bought',
    'shop_refunds': 'net revenue, aov net_of_refunds',
    'shop_checkouts': 'trigger cart_abandonment, audience cart_reminder',
    'shop_checkout_lines': 'what was left in the cart',
    'stock_changes': 'trigger back_in_stock',
    'site_events': 'first and last touch, triggers welcome and browse_abandonment',
    'crm_contacts': 'people who have not bought, owners, birthdays',
    'crm_deals': 'deals_closed, deal_days, quotes that are out, lost reasons',
    'crm_stage_changes': 'stages that a CRM or inbox gives, and who gave them',
    'appointments': 'bookings',
    'conversations': 'conversation_funnel, time_to_first_reply, open conversations by priority',
    'assignments': 'who handed a conversation to whom',
    'campaigns': 'names and costs of campaigns',
    'messages': 'who was written to and who wrote, triggers of silence',
    'message_events': 'openings, clicks, triggers reactivation and win_back',
    'consents': 'permission: without it nothing is sent to anybody',
    'advocacy_events': 'stage advocacy, audience promoters',
    'exchange_rates': 'amounts in other currencies than the business one',
} %}
-- One row per input table: whether anybody delivers it, how far it reaches, and what rests on it.
with watermarks as (select * from {{ ref('table_watermarks') }}),

delivered as (
    select table_name, count(*) as sources_count, sum(rows_count) as rows_count, max(watermark_at) as watermark_at
    from watermarks
    where rows_count > 0
    group by table_name
),

measured as (
    select
        uses.table_name, uses.needed_for, coalesce(delivered.sources_count, 0) as sources_count,
        cast(coalesce(delivered.rows_count, 0) as bigint) as rows_count, delivered.watermark_at,
        {{ days_between(local_date('delivered.watermark_at'), local_date(as_of())) }} as silent_days
    from {{ text_rows(uses.items() | list, 'uses', ['table_name', 'needed_for']) }}
    left join delivered on uses.table_name = delivered.table_name
),

-- lines have no time of their own, and a catalogue in which nothing changes is none the worse
data_readiness as (
    select
        table_name,
        case when sources_count = 0 then 'missing' when table_name <> 'shop_products' and silent_days > {{ var('silent_after_days') }} then 'silent' else 'delivered' end as state,
        needed_for, sources_count, rows_count, watermark_at, cast(silent_days as integer) as silent_days
    from measured
)

select * from data_readiness
