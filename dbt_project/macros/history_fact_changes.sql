{# What lifecycle.fact_changes is, of relations of order changes, side changes and side events. #}
{% macro fact_changes(order_changes, side_changes, side_events) %}
{%- set stage_models = stage_models().keys() | list -%}
with order_changes as (select * from {{ order_changes }}),

side_changes as (select * from {{ side_changes }}),

side_events as (select customer_id, occurred_at from {{ side_events }}),

-- who has to be put in order: whoever has more than orders, and where an order does not tell what held before it
told_of as (
    select distinct customer_id from side_events
    union
    select distinct customer_id from order_changes where not is_was_known
),

-- most people have nothing but orders: for them there is nothing to merge
ordered_only as (
    select
        order_changes.customer_id, order_changes.changed_at,
        {% for model in stage_models %}coalesce({{ cause_within(model, 'order_changes.cause_event_id') }}, order_changes.passed_event_id, 'first_seen') as cause_in_{{ model }}, {% endfor %}
        {% for fact in order_facts() %}order_changes.{{ fact }}, {% endfor %}
        {% for fact, nothing in side_facts().items() %}cast({{ nothing }} as {{ dbt.type_string() if fact == 'source_stage' else 'integer' }}) as {{ fact }}{{ ', ' if not loop.last }}{% endfor %}
    from order_changes
    left join told_of on order_changes.customer_id = told_of.customer_id
    where told_of.customer_id is null and (was_orders_count is null or {{ could_move(order_facts(), true) }})
),

-- an order that moves nobody by itself stays where anything else happened at its instant: it may be the cause
ordered as (
    select order_changes.*
    from order_changes
    inner join told_of on order_changes.customer_id = told_of.customer_id
    where was_orders_count is null or not is_was_known or may_coincide or {{ could_move(order_facts(), true) }}
        or order_changes.changed_at in (select occurred_at from side_events)
),

-- of what falls on one instant an order speaks last, then other events, an address, first sight, the passing of time
points as (
    select
        customer_id, changed_at, cause_event_id,
        case
            when cause_event_id like 'order:%' then 4
            when cause_event_id = 'reachable' then 2
            when cause_event_id = 'first_seen' then 1
            else 0
        end as precedence,
        0 as place,
        {% for fact in order_facts() %}{{ fact }}, {% endfor %}
        {% for fact in side_facts() %}cast(null as {{ dbt.type_string() if fact == 'source_stage' else 'integer' }}) as {{ fact }}{{ ', ' if not loop.last }}{% endfor %}
    from ordered
    union all
    select
        customer_id, changed_at, passed_event_id, 0, 0,
        {% for fact in order_facts() %}{{ fact }}, {% endfor %}
        {% for fact in side_facts() %}null{{ ', ' if not loop.last }}{% endfor %}
    from ordered
    where passed_event_id is not null
    union all
    select
        customer_id, changed_at, cause_event_id, precedence, place,
        {% for fact in order_facts() %}null, {% endfor %}
        {{ side_facts().keys() | join(', ') }}
    from side_changes
),

filled as (
    select
        customer_id, changed_at,
        {% for model in stage_models %}{{ last_known(cause_within(model, 'cause_event_id')) }} over so_far as cause_in_{{ model }}, {% endfor %}
        {% for fact in order_facts() + side_facts().keys() | list %}{{ last_known(fact) }} over so_far as {{ fact }}, {% endfor %}
        lead(changed_at) over person as next_changed_at
    from points
    window
        person as (partition by customer_id order by changed_at, precedence, place),
        so_far as (partition by customer_id order by changed_at, precedence, place rows between unbounded preceding and current row)
),

merged as (
    select
        customer_id, changed_at,
        {% for model in stage_models %}coalesce(cause_in_{{ model }}, 'first_seen') as cause_in_{{ model }}, {% endfor %}
        {% for fact in order_facts() %}{{ fact }}, {% endfor %}
        {% for fact, nothing in side_facts().items() %}{% if fact == 'source_stage' %}nullif({{ fact }}, ''){% else %}coalesce({{ fact }}, {{ nothing }}){% endif %} as {{ fact }}{{ ', ' if not loop.last }}{% endfor %}
    from filled
    where next_changed_at is null or next_changed_at > changed_at
),

fact_changes as (
    select * from ordered_only
    union all
    select * from merged
)

select * from fact_changes
{% endmacro %}
