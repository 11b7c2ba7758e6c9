{#
    What lifecycle.side_changes is, of a relation of side events. events_count: a column of it, where a row stands for so many of its fact.
#}
{% macro side_changes(side_events, events_count='1') %}
with side_events as (select * from {{ side_events }}),

counted as (
    select
        customer_id, occurred_at as changed_at, fact{{ ', events_count' if events_count != '1' }},
        fact || ':' || source_name || ':' || event_id as cause_event_id,
        row_number() over so_far as place,
        cast(sum(case when fact = 'advocacy' then {{ events_count }} else 0 end) over so_far as integer) as advocacy_count,
        cast(sum(case when fact = 'conversation' then {{ events_count }} else 0 end) over so_far as integer) as conversations_count,
        cast(sum(case when fact = 'inbound_message' then {{ events_count }} else 0 end) over so_far as integer) as inbound_messages_count,
        cast(sum(case fact when 'deal_opened' then {{ events_count }} when 'deal_closed' then -{{ events_count }} else 0 end) over so_far as integer) as open_deals_count,
        case when fact = 'source_stage' then stage end as source_stage,
        max(case when fact = 'inbound_message' then occurred_at end) over before as was_written_at,
        lag(occurred_at) over person as previous_at,
        lead(occurred_at) over person as next_at
    from side_events
    window
        person as (partition by customer_id order by told_at, fact, source_name, event_id),
        so_far as (partition by customer_id order by told_at, fact, source_name, event_id rows between unbounded preceding and current row),
        before as (partition by customer_id order by told_at, fact, source_name, event_id rows between unbounded preceding and 1 preceding)
),

compared as (
    select
        customer_id, changed_at, cause_event_id, 3 as precedence, place,
        advocacy_count, conversations_count, inbound_messages_count,
        case when fact = 'inbound_message' then 0 end as days_since_last_inbound,
        open_deals_count, source_stage,
        advocacy_count - case when fact = 'advocacy' then {{ events_count }} else 0 end as was_advocacy_count,
        conversations_count - case when fact = 'conversation' then {{ events_count }} else 0 end as was_conversations_count,
        inbound_messages_count - case when fact = 'inbound_message' then {{ events_count }} else 0 end as was_inbound_messages_count,
        case when fact = 'inbound_message' then {{ days_between(local_date('was_written_at'), last_day_before('changed_at')) }} end as was_days_since_last_inbound,
        open_deals_count - case fact when 'deal_opened' then {{ events_count }} when 'deal_closed' then -{{ events_count }} else 0 end as was_open_deals_count,
        cast(null as {{ dbt.type_string() }}) as was_source_stage,
        previous_at, next_at
    from counted
),

-- most messages move nobody: they are not put in order with everything else. What shares its instant with something may be its cause
moving as (
    select
        customer_id, changed_at, cause_event_id, precedence, place,
        {{ side_facts().keys() | join(', ') }}
    from compared
    where place = 1 or changed_at in (previous_at, next_at) or {{ begins_day('changed_at', local_date('changed_at')) }} = 1
        or {{ could_move(side_facts().keys() | list, false) }}
),

written as (
    select
        customer_id, {{ local_date('occurred_at') }} as written_on,
        lead(occurred_at) over (partition by customer_id order by told_at) as next_written_at
    from side_events
    where fact = 'inbound_message'
),

-- "more than N days" begins with the business day N + 1 days later, and counts at as_of itself
{% for days in stage_thresholds('days_since_last_inbound') %}
silent_{{ days }} as (
    select customer_id, {{ local_midnight(days_after('written_on', days + 1)) }} as changed_at, next_written_at
    from written
),
{% endfor %}
side_changes as (
    select * from moving
    {%- for days in stage_thresholds('days_since_last_inbound') %}
    union all
    select
        customer_id, changed_at, 'time:days_since_last_inbound:{{ days }}', 0, 0,
        cast(null as integer), cast(null as integer), cast(null as integer), {{ days + 1 }}, cast(null as integer), cast(null as {{ dbt.type_string() }})
    from silent_{{ days }}
    where changed_at <= {{ as_of() }} and (next_written_at is null or changed_at < next_written_at)
    {%- endfor %}
)

select * from side_changes
{% endmacro %}
