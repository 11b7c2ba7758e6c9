{% set bounds = trigger_bounds() %}
{% set facts = bounds | map(attribute='fact') | unique | list %}
-- One row per span in which all bounds of a trigger hold for somebody: when they began to hold, by what, and until when.
with orders as (select * from {{ ref('customer_orders') }}),

silences as (select * from {{ ref('silences') }}),

-- how often a fact that counts stood at which value: from one change to the next
{% for fact in facts if fact.startswith('orders_count_') %}
{% set days = fact.split('_')[-1][:-1] | int %}
counts_of_{{ fact }} as (
    select customer_id, changed_at, cause_event_id, orders_count, lead(changed_at) over (partition by customer_id order by changed_at) as until_at
    from (
        select customer_id, changed_at, max(cause_event_id) as cause_event_id, sum(sum(change)) over (partition by customer_id order by changed_at) as orders_count
        from (
            select customer_id, ordered_at as changed_at, 'order:' || source_name || ':' || order_id as cause_event_id, 1 as change from orders
            union all
            select customer_id, {{ local_midnight(days_after('ordered_on', days + 1)) }}, null, -1 from orders
        ) as changes
        group by customer_id, changed_at
    ) as counted
),
{% endfor %}
held as (
    {% for bound in bounds %}
    {% if bound.fact.startswith('days_') %}
    select
        '{{ bound.trigger }}' as trigger_name, customer_id, {{ local_midnight(days_after('active_on', bound.min)) }} as from_at,
        {% if bound.max is none %}ended_at{% else %}least(ended_at, {{ local_midnight(days_after('active_on', bound.max + 1)) }}){% endif %} as until_at, cause_event_id
    from silences
    where fact = '{{ bound.fact }}'
    {% elif bound.fact.startswith('orders_count_') %}
    select '{{ bound.trigger }}' as trigger_name, customer_id, changed_at as from_at, until_at, cause_event_id
    from counts_of_{{ bound.fact }}
    where orders_count >= {{ bound.min }}
    {% else %}
    select '{{ bound.trigger }}' as trigger_name, customer_id, ordered_at as from_at, next_ordered_at as until_at, 'order:' || source_name || ':' || order_id as cause_event_id
    from orders
    where {{ 'order_number' if bound.fact == 'orders_count' else 'revenue_to_date_amount' }} >= {{ bound.min }}
    {% endif %}
    {{ 'union all' if not loop.last }}
    {% else %}
    select '' as trigger_name, customer_id, ordered_at as from_at, ordered_at as until_at, '' as cause_event_id from orders where false
    {% endfor %}
),

steps as (
    select trigger_name, customer_id, from_at as changed_at, 1 as change, cause_event_id
    from held
    where from_at <= {{ as_of() }} and (until_at is null or until_at > from_at)
    union all
    select trigger_name, customer_id, until_at, -1, null
    from held
    where until_at <= {{ as_of() }} and until_at > from_at
),

-- all hold where as many hold as were declared
counted as (
    select
        trigger_name, customer_id, changed_at, max(cause_event_id) as cause_event_id,
        sum(sum(change)) over (partition by trigger_name, customer_id order by changed_at) = case trigger_name
            {%- for name, trigger in triggers().items() if trigger.bounds %} when '{{ name }}' then {{ trigger.bounds | length }}{% endfor %} else -1 end as is_met
    from steps
    group by trigger_name, customer_id, changed_at
),

compared as (
    select *, coalesce(lag(is_met) over (partition by trigger_name, customer_id order by changed_at), false) as was_met
    from counted
),

turns as (
    select *, lead(changed_at) over (partition by trigger_name, customer_id order by changed_at) as turned_at
    from compared
    where is_met <> was_met
),

condition_causes as (
    select trigger_name, customer_id, cause_event_id, changed_at as occurred_at, turned_at as called_off_at
    from turns
    where is_met
)

select * from condition_causes
