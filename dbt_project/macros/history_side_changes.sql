{#
    What lifecycle.side_changes is, of a relation of side events. Where events before `since` were left out, ground says what they came to: a
    relation of one row per person, with the facts as they then stood and when the person had written last.
#}
{% macro side_changes(side_events, ground=none, since=none) %}
with side_events as (select * from {{ side_events }}),

counted as (
    select
        side_events.customer_id, occurred_at as changed_at, fact,
        fact || ':' || source_name || ':' || event_id as cause_event_id,
        row_number() over so_far as place,
        cast({{ 'coalesce(ground.advocacy_count, 0) + ' if ground }}count(case when fact = 'advocacy' then 1 end) over so_far as integer) as advocacy_count,
        cast({{ 'coalesce(ground.conversations_count, 0) + ' if ground }}count(case when fact = 'conversation' then 1 end) over so_far as integer) as conversations_count,
        cast({{ 'coalesce(ground.inbound_messages_count, 0) + ' if ground }}count(case when fact = 'inbound_message' then 1 end) over so_far as integer) as inbound_messages_count,
        cast({{ 'coalesce(ground.open_deals_count, 0) + ' if ground }}sum(case fact when 'deal_opened' then 1 when 'deal_closed' then -1 else 0 end) over so_far as integer) as open_deals_count,
        case when fact = 'source_stage' then stage end as source_stage,
        {{ 'coalesce(' if ground }}max(case when fact = 'inbound_message' then occurred_at end) over before{{ ', ground.written_at)' if ground }} as was_written_at,
        lag(occurred_at) over person as previous_at,
        lead(occurred_at) over person as next_at
    from side_events
    {%- if ground %}
    left join {{ ground }} as ground on side_events.customer_id = ground.customer_id
    {%- endif %}
    window
        person as (partition by side_events.customer_id order by told_at, fact, source_name, event_id),
        so_far as (partition by side_events.customer_id order by told_at, fact, source_name, event_id rows between unbounded preceding and current row),
        before as (partition by side_events.customer_id order by told_at, fact, source_name, event_id rows between unbounded preceding and 1 preceding)
),

compared as (
    select
        customer_id, changed_at, cause_event_id, 3 as precedence, place,
        advocacy_count, conversations_count, inbound_messages_count,
        case when fact = 'inbound_message' then 0 end as days_since_last_inbound,
        open_deals_count, source_stage,
        advocacy_count - case when fact = 'advocacy' then 1 else 0 end as was_advocacy_count,
        conversations_count - case when fact = 'conversation' then 1 else 0 end as was_conversations_count,
        inbound_messages_count - case when fact = 'inbound_message' then 1 else 0 end as was_inbound_messages_count,
        case when fact = 'inbound_message' then {{ days_between(local_date('was_written_at'), last_day_before('changed_at')) }} end as was_days_since_last_inbound,
        open_deals_count - case fact when 'deal_opened' then 1 when 'deal_closed' then -1 else 0 end as was_open_deals_count,
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
    select customer_id, told_at, occurred_at{{ ', false as is_ground' if ground }}
    from side_events
    where fact = 'inbound_message'
    {%- if ground %}
    union all
    select customer_id, written_at, written_at, true from {{ ground }} as ground where written_at is not null
    {%- endif %}
),

answered as (
    select *, {{ local_date('occurred_at') }} as written_on, lead(occurred_at) over (partition by customer_id order by told_at) as next_written_at
    from written
),

-- "more than N days" begins with the business day N + 1 days later, and counts at as_of itself
{% for days in stage_thresholds('days_since_last_inbound') %}
silent_{{ days }} as (
    select *, {{ local_midnight(days_after('written_on', days + 1)) }} as changed_at
    from answered
),
{% endfor %}
side_changes as (
    select * from moving
    {%- if ground %}
    union all
    select
        customer_id, {{ since }}, null, 0, 0, advocacy_count, conversations_count, inbound_messages_count,
        {{ days_between(local_date('written_at'), local_date(since)) }}, open_deals_count, source_stage
    from {{ ground }} as ground
    {%- endif %}
    {%- for days in stage_thresholds('days_since_last_inbound') %}
    union all
    select
        customer_id, changed_at, 'time:days_since_last_inbound:{{ days }}', 0, 0,
        cast(null as integer), cast(null as integer), cast(null as integer), {{ days + 1 }}, cast(null as integer), cast(null as {{ dbt.type_string() }})
    from silent_{{ days }}
    where changed_at <= {{ as_of() }} and (next_written_at is null or changed_at < next_written_at){{ ' and (not is_ground or changed_at > ' ~ since ~ ')' if ground }}
    {%- endfor %}
)

select * from side_changes
{% endmacro %}
