{% set shortest = {} %}
{% for bound in trigger_bounds() if bound.fact.startswith('days_') %}{% do shortest.update({bound.fact: [bound.min, shortest.get(bound.fact, bound.min)] | min}) %}{% endfor %}
-- One row per person, fact in days and sign that was followed by a silence: what it was, and when the next one came.
with orders as (select * from {{ ref('customer_orders') }}),

timeline as (select * from {{ ref('customer_timeline') }}),

messages as (select * from {{ ref('messages') }}),

openings as (
    select message_events.source_name, message_events.message_id, message_events.event_id
    from {{ ref('message_events') }} as message_events
    where message_events.event_type in ('opened', 'clicked') and not coalesce(message_events.is_machine, false)
        and {{ 'true' if 'days_since_last_open' in shortest or 'days_since_last_engagement' in shortest else 'false' }}
),

opened as (
    select timeline.customer_id, timeline.occurred_at, timeline.event_type, messages.channel, timeline.source_name, timeline.source_id
    from timeline
    inner join openings on timeline.source_name = openings.source_name and timeline.source_id = openings.event_id
    inner join messages on openings.source_name = messages.source_name and openings.message_id = messages.message_id
    where timeline.event_type in ('message_opened', 'message_clicked') and coalesce(messages.direction, 'outbound') <> 'inbound'
),

-- what breaks each silence
signs as (
    select 'days_since_last_order' as fact, customer_id, ordered_at as occurred_at, 'order' as cause_type, source_name, order_id as source_id from orders
    where {{ 'true' if 'days_since_last_order' in shortest else 'false' }}
    union all
    select 'days_since_last_open', customer_id, occurred_at, event_type, source_name, source_id from opened
    where event_type = 'message_opened' and channel = 'email' and {{ 'true' if 'days_since_last_open' in shortest else 'false' }}
    union all
    -- who never opened one is silent since the first that was sent
    select 'days_since_last_open', customer_id, min(occurred_at), 'message', min_by(source_name, (occurred_at, source_name, source_id)), min_by(source_id, (occurred_at, source_name, source_id)) from timeline
    where event_type = 'message_outbound' and channel = 'email' and {{ 'true' if 'days_since_last_open' in shortest else 'false' }}
    group by customer_id
    union all
    select 'days_since_last_engagement', customer_id, occurred_at, event_type, source_name, source_id from opened
    where {{ 'true' if 'days_since_last_engagement' in shortest else 'false' }}
    union all
    select 'days_since_last_engagement', customer_id, occurred_at, event_type, source_name, source_id from timeline
    where event_type in ('order', 'checkout_started', 'page_view', 'product_view', 'search', 'form_submit', 'stock_alert_request', 'message_inbound', 'message_replied', 'conversation_opened')
        and {{ 'true' if 'days_since_last_engagement' in shortest else 'false' }}
    union all
    select 'days_since_first_order', customer_id, ordered_at, 'order', source_name, order_id from orders
    where order_number = 1 and {{ 'true' if 'days_since_first_order' in shortest else 'false' }}
),

followed as (
    select *, lead(occurred_at) over (partition by fact, customer_id order by occurred_at, cause_type, source_name, source_id) as ended_at
    from signs
),

-- what was broken before the fewest days that any bound asks for is no silence; a day and more are left for the edges of days
long_enough as (
    select *
    from followed
    where ended_at is null
        or ended_at >= case fact {% for fact, days in shortest.items() %}when '{{ fact }}' then {{ hours_after('occurred_at', (days - 2) * 24) }} {% else %}when '' then occurred_at {% endfor %}end
),

silences as (
    select fact, customer_id, {{ local_date('occurred_at') }} as active_on, cause_type || ':' || source_name || ':' || source_id as cause_event_id, ended_at
    from long_enough
)

select * from silences
