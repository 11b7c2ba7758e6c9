{# What lifecycle.order_changes is, of a relation of order states; since: as there, so that a ground changes at that time. #}
{% macro order_changes(order_states, since=none) %}
with order_states as (select * from {{ order_states }}),

ordered_or_seen as (
    select
        customer_id, from_at as changed_at, orders_count,
        case when orders_count > 0 then {{ 'case when is_ground then ' ~ days_between('ordered_on', local_date(since)) ~ ' else 0 end' if since else '0' }} end as days_since_last_order,
        cause_event_id, reachable_from, is_high_value,
        cast(null as {{ dbt.type_string() }}) as passed_event_id,
        is_was_known, was_orders_count, was_days_since_last_order, was_is_high_value, begins_day = 1 as may_coincide
    from order_states
),

-- "more than N days" begins with the business day N + 1 days later, and counts at as_of itself
{% for days in stage_thresholds('days_since_last_order') %}
days_passed_{{ days }} as (
    select *, {{ local_midnight(days_after('ordered_on', days + 1)) }} as passed_at
    from order_states
    -- no clock is a day away from UTC: most are told apart without one
    where orders_count > 0 and (until_at is null or until_at > cast({{ days_after('ordered_on', days) }} as timestamp))
),
{% endfor %}
time_passed as (
    {% for days in stage_thresholds('days_since_last_order') %}
    select customer_id, passed_at as changed_at, orders_count, {{ days + 1 }} as days_since_last_order, 'time:days_since_last_order:{{ days }}' as cause_event_id, reachable_from, is_high_value, null as passed_event_id, true as is_was_known, orders_count as was_orders_count, {{ days }} as was_days_since_last_order, is_high_value as was_is_high_value, false as may_coincide
    from days_passed_{{ days }}
    where passed_at <= {{ as_of() }} and (until_at is null or passed_at < until_at){{ ' and passed_at > from_at' if since }} and (reachable_from is null or reachable_from <> passed_at)
    {{ 'union all' if not loop.last }}
    {% else %}
    select * from ordered_or_seen where false
    {% endfor %}
),

became_reachable as (
    select
        customer_id, reachable_from as changed_at, orders_count,
        {{ days_between('ordered_on', local_date('reachable_from')) }} as days_since_last_order,
        'reachable' as cause_event_id, reachable_from, is_high_value,
        case
            when ordered_on is null then null
            {%- for days in stage_thresholds('days_since_last_order') %}
            when reachable_from = {{ local_midnight(days_after('ordered_on', days + 1)) }} then 'time:days_since_last_order:{{ days }}'
            {%- endfor %}
        end as passed_event_id,
        true as is_was_known, orders_count as was_orders_count,
        {{ days_between('ordered_on', local_date("reachable_from - interval 1 microsecond")) }} as was_days_since_last_order,
        is_high_value as was_is_high_value, true as may_coincide
    from order_states
    where reachable_from > from_at and (until_at is null or reachable_from < until_at) and reachable_from < {{ as_of() }}
),

changes as (
    select * from ordered_or_seen
    union all
    select * from time_passed
    union all
    select * from became_reachable
),

order_changes as (
    select
        customer_id, changed_at, cause_event_id, orders_count,
        cast(days_since_last_order as integer) as days_since_last_order,
        case when reachable_from <= changed_at and reachable_from < {{ as_of() }} then 1 else 0 end as is_reachable,
        is_high_value, passed_event_id, is_was_known,
        was_orders_count,
        cast(was_days_since_last_order as integer) as was_days_since_last_order,
        case when reachable_from < changed_at and reachable_from < {{ as_of() }} then 1 else 0 end as was_is_reachable,
        was_is_high_value,
        may_coincide
    from changes
)

select * from order_changes
{% endmacro %}
