{% set risk = var('risk') %}
-- One row per person: the signs that somebody may leave, each as a figure and a flag.
with customers as (select * from {{ ref('customers') }}),

customer_orders as (select * from {{ ref('customer_orders') }}),

conversations as (select * from {{ ref('conversation_priorities') }} where not is_quiet),

losses as (select * from {{ ref('losses') }} where lost_by is not null),

deals as (select * from {{ ref('crm_deals') }} where status = 'lost' and closed_at is not null),

opinions as (select * from {{ ref('advocacy_events') }} where (event_type = 'review' and score <= 2) or (event_type = 'nps' and score <= 6)),

identifiers as (select * from {{ ref('customer_identifiers') }}),

gaps as (
    select customer_id, percentile_cont(0.5) within group (order by days_since_previous_order) as usual_gap_days
    from customer_orders
    where order_number > 1
    group by customer_id
    having count(*) >= 2
),

talks as (
    select
        customer_id,
        sum(case when waiting_since_at is null then 0 else greatest(unanswered_count, 1) end) as unanswered_questions_count,
        min(waiting_since_at) as unanswered_since_at,
        count(case when {{ days_between(local_date('opened_at'), local_date(as_of())) }} > {{ risk['unresolved_days'] }} then 1 end) as unresolved_conversations_count
    from conversations
    group by customer_id
),

-- a deal that was lost, a source that says they are lost, a poor opinion
said_no as (
    select identifiers.customer_id, deals.closed_at as said_at
    from deals
    inner join identifiers
        on deals.source_name = identifiers.source_name and identifiers.record_type = 'crm_contact' and deals.contact_id = identifiers.record_id
    union all
    select customer_id, lost_at from losses
    union all
    select identifiers.customer_id, opinions.occurred_at
    from opinions
    inner join identifiers
        on opinions.source_name = identifiers.source_name
        and identifiers.record_type = 'message_contact'
        and {{ ref_record_id('opinions.contact_ref_type', 'opinions.contact_ref') }} = identifiers.record_id
),

objections as (
    select customer_id, count(distinct {{ local_date('said_at') }}) as objections_count
    from said_no
    where {{ days_between(local_date('said_at'), local_date(as_of())) }} <= {{ risk['objection_days'] }}
    group by customer_id
),

figures as (
    select
        customers.customer_id,
        cast(coalesce(customers.days_since_last_activity, {{ days_between(local_date('customers.first_seen_at'), local_date(as_of())) }}) as integer) as inactive_days,
        cast(coalesce(talks.unanswered_questions_count, 0) as integer) as unanswered_questions_count,
        talks.unanswered_since_at,
        customers.days_since_last_order,
        gaps.usual_gap_days,
        cast(coalesce(objections.objections_count, 0) as integer) as objections_count,
        cast(coalesce(talks.unresolved_conversations_count, 0) as integer) as unresolved_conversations_count
    from customers
    left join gaps on customers.customer_id = gaps.customer_id
    left join talks on customers.customer_id = talks.customer_id
    left join objections on customers.customer_id = objections.customer_id
),

flagged as (
    select
        *,
        inactive_days > {{ risk['inactive_days'] }} as is_inactive,
        coalesce({{ elapsed_days('unanswered_since_at', as_of()) }} * 24 > {{ risk['unanswered_hours'] }}, false) as has_unanswered_questions,
        coalesce(days_since_last_order > usual_gap_days * {{ risk['gap_factor'] }} and days_since_last_order > {{ risk['longer_than_days'] }}, false) as is_past_own_gap,
        objections_count >= {{ risk['min_objections'] }} as has_repeated_objections,
        unresolved_conversations_count > 0 as has_unresolved_issues
    from figures
),

risk_signals as (
    select
        *,
        {% for flag in ['is_inactive', 'has_unanswered_questions', 'is_past_own_gap', 'has_repeated_objections', 'has_unresolved_issues'] -%}
        case when {{ flag }} then 1 else 0 end{{ ' + ' if not loop.last }}
        {%- endfor %} as flags_count
    from flagged
)

select * from risk_signals
