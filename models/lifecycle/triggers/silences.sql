{% set engagements = [
    'order', 'checkout_started', 'page_view', 'product_view', 'search', 'form_submit', 'stock_alert_request', 'message_inbound', 'message_replied', 'conversation_opened',
    'message_opened', 'message_clicked',
] %}
{% set spoken_of = trigger_bounds() | map(attribute='fact') | list %}
-- One row per person, fact in days and sign that was followed by a silence: what it was, and when the next one came.
-- The timeline is the largest table there is and most of it are messages sent: it is read where it is needed, never held as a whole.
with orders as (select * from {{ ref('customer_orders') }}),

-- openings and clicks that nobody made, and those that we made ourselves
not_theirs as (
    select source_name, event_id, 'message_' || event_type as event_type
    from {{ ref('message_events') }}
    where event_type in ('opened', 'clicked')
        and (is_machine or (source_name, message_id) in (select source_name, message_id from {{ ref('messages') }} where direction = 'inbound'))
),

done as (
    select
        timeline.customer_id, timeline.occurred_at, timeline.event_type || ':' || timeline.source_name || ':' || timeline.source_id as cause_event_id,
        timeline.event_type = 'message_opened' and timeline.channel = 'email' as is_open, true as is_engagement
    from {{ ref('customer_timeline') }} as timeline
    left join not_theirs
        on timeline.source_name = not_theirs.source_name and timeline.source_id = not_theirs.event_id and timeline.event_type = not_theirs.event_type
    where not_theirs.event_id is null
        and timeline.event_type in ('{{ (engagements if 'days_since_last_engagement' in spoken_of else ['message_opened']) | join("', '") }}')
        and {{ 'true' if 'days_since_last_engagement' in spoken_of or 'days_since_last_open' in spoken_of else 'false' }}
),

-- who never opened one is silent since the first that was sent
first_sent as (
    select customer_id, min(occurred_at) as occurred_at
    from {{ ref('customer_timeline') }}
    where event_type = 'message_outbound' and channel = 'email' and {{ 'true' if 'days_since_last_open' in spoken_of else 'false' }}
    group by customer_id
),

sent as (
    select
        timeline.customer_id, timeline.occurred_at, min('message:' || timeline.source_name || ':' || timeline.source_id) as cause_event_id,
        true as is_open, false as is_engagement
    from {{ ref('customer_timeline') }} as timeline
    inner join first_sent on timeline.customer_id = first_sent.customer_id and timeline.occurred_at = first_sent.occurred_at
    where timeline.event_type = 'message_outbound' and timeline.channel = 'email'
    group by timeline.customer_id, timeline.occurred_at
),

followed as (
    select
        *,
        {{ next_known('case when is_open then occurred_at end', 'person') }} as next_open_at,
        {{ next_known('case when is_engagement then occurred_at end', 'person') }} as next_engagement_at
    from (select * from done union all select * from sent) as signs
    window person as (partition by customer_id order by occurred_at, cause_event_id)
),

long_enough as (
    select
        *,
        is_open and {{ is_silent('days_since_last_open', 'occurred_at', 'next_open_at') }} as is_silent_inbox,
        is_engagement and {{ is_silent('days_since_last_engagement', 'occurred_at', 'next_engagement_at') }} as is_silent_person
    from followed
),

kept as (select * from long_enough where is_silent_inbox or is_silent_person),

endings as (
    select 'days_since_last_open' as fact, customer_id, occurred_at, cause_event_id, next_open_at as ended_at from kept where is_silent_inbox
    union all
    select 'days_since_last_engagement', customer_id, occurred_at, cause_event_id, next_engagement_at from kept where is_silent_person
    union all
    select 'days_since_last_order', customer_id, ordered_at, 'order:' || source_name || ':' || order_id, next_ordered_at from orders
    where {{ is_silent('days_since_last_order', 'ordered_at', 'next_ordered_at') }}
    union all
    select 'days_since_first_order', customer_id, ordered_at, 'order:' || source_name || ':' || order_id, null from orders
    where order_number = 1 and {{ 'true' if 'days_since_first_order' in spoken_of else 'false' }}
),

silences as (
    select fact, customer_id, {{ local_date('occurred_at') }} as active_on, cause_event_id, ended_at
    from endings
)

select * from silences
