{% set facts = trigger_bounds() | map(attribute='fact') | unique | list %}
-- One row per person, fact in days and business day on which a sign broke their silence: what it was, and when the next one came.
with orders as (select * from {{ ref('customer_orders') }}),

timeline as (select * from {{ ref('customer_timeline') }}),

messages as (select * from {{ ref('messages') }}),

openings as (
    select message_events.source_name, message_events.message_id, message_events.event_id, message_events.occurred_at
    from {{ ref('message_events') }} as message_events
    where message_events.event_type in ('opened', 'clicked') and not coalesce(message_events.is_machine, false)
        and {{ 'true' if 'days_since_last_open' in facts or 'days_since_last_engagement' in facts else 'false' }}
),

opened as (
    select
        timeline.customer_id, timeline.occurred_at, timeline.event_type, messages.channel, timeline.source_name, timeline.source_id
    from timeline
    inner join openings on timeline.source_name = openings.source_name and timeline.source_id = openings.event_id
    inner join messages on openings.source_name = messages.source_name and openings.message_id = messages.message_id
    where timeline.event_type in ('message_opened', 'message_clicked') and coalesce(messages.direction, 'outbound') <> 'inbound'
),

-- what breaks each silence
signs as (
    select 'days_since_last_order' as fact, customer_id, ordered_at as occurred_at, 'order:' || source_name || ':' || order_id as cause_event_id from orders
    where {{ 'true' if 'days_since_last_order' in facts else 'false' }}
    union all
    select 'days_since_last_open', customer_id, occurred_at, event_type || ':' || source_name || ':' || source_id from opened
    where event_type = 'message_opened' and channel = 'email'
    union all
    -- who never opened one is silent since the first that was sent
    select 'days_since_last_open', customer_id, min(occurred_at), 'message:' || min_by(source_name || ':' || source_id, (occurred_at, source_name, source_id)) from timeline
    where event_type = 'message_outbound' and channel = 'email' and {{ 'true' if 'days_since_last_open' in facts else 'false' }}
    group by customer_id
    union all
    select 'days_since_last_engagement', customer_id, occurred_at, event_type || ':' || source_name || ':' || source_id from opened
    union all
    select 'days_since_last_engagement', customer_id, occurred_at, event_type || ':' || source_name || ':' || source_id from timeline
    where event_type in ('order', 'checkout_started', 'page_view', 'product_view', 'search', 'form_submit', 'stock_alert_request', 'message_inbound', 'message_replied', 'conversation_opened')
        and {{ 'true' if 'days_since_last_engagement' in facts else 'false' }}
    union all
    select 'days_since_first_order', customer_id, ordered_at, 'order:' || source_name || ':' || order_id from orders where order_number = 1
),

-- only days matter: the last sign of each, and the first of the next
active_days as (
    select fact, customer_id, {{ local_date('occurred_at') }} as active_on, min(occurred_at) as first_at, max_by(cause_event_id, (occurred_at, cause_event_id)) as cause_event_id
    from signs
    group by fact, customer_id, {{ local_date('occurred_at') }}
),

silences as (
    select *, lead(first_at) over (partition by fact, customer_id order by active_on) as ended_at
    from active_days
)

select * from silences
