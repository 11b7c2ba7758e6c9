{% set by_orders = [] %}
{% for bound in trigger_bounds() if not bound.fact.startswith('days_') %}{% do by_orders.append(bound) %}{% endfor %}
-- One row per span in which all bounds of a trigger hold for somebody: when they began to hold, by what, and until when.
-- Each bound's spans are made whole before they are laid over one another: a few for each person, where every order would else begin one.
with silences as (select * from {{ ref('silences') }}),

-- enough was spent: from each order to the next. Enough were bought within N days: from each order until the first of as many is too old
stretches as (
    {% for bound in by_orders if bound.fact != 'orders_count' %}
    {% if bound.fact == 'revenue_amount' %}
    select '{{ bound.trigger }}' as trigger_name, '{{ bound.fact }}' as fact, customer_id, ordered_at as from_at, next_ordered_at as until_at
    from {{ ref('customer_orders') }}
    where revenue_to_date_amount >= {{ bound.min }}
    {% else %}
    select '{{ bound.trigger }}' as trigger_name, '{{ bound.fact }}' as fact, customer_id, ordered_at as from_at, until_at
    from (
        select customer_id, ordered_at, {{ local_midnight(days_after('first_on', bound.fact.split('_')[-1][:-1] | int + 1)) }} as until_at
        from (
            select customer_id, ordered_at, lag(ordered_on, {{ bound.min - 1 }}) over (partition by customer_id order by order_number) as first_on
            from {{ ref('customer_orders') }}
        ) as counted
    ) as dated
    where until_at > ordered_at
    {% endif %}
    {{ 'union all' if not loop.last }}
    {% else %}
    select '' as trigger_name, '' as fact, customer_id, ordered_at as from_at, ordered_at as until_at from {{ ref('customer_orders') }} where false
    {% endfor %}
),

neighboured as (
    select *, lag(until_at) over person as before_until_at, lead(from_at) over person as after_from_at
    from stretches
    window person as (partition by trigger_name, fact, customer_id order by from_at, until_at)
),

edges as (
    select
        trigger_name, fact, customer_id, from_at, until_at,
        before_until_at is null or before_until_at < from_at as is_first,
        after_from_at is null or after_from_at > until_at as is_last
    from neighboured
),

unbroken as (
    select
        trigger_name, fact, customer_id, from_at, is_first,
        case when is_last then until_at else lead(until_at) over (partition by trigger_name, fact, customer_id order by from_at, until_at) end as until_at
    from edges
    where is_first or is_last
),

met as (
    {% for name, trigger in triggers().items() if trigger.bounds %}
    {% set spans = [] %}
    {% for fact, bound in trigger.bounds.items() %}{% do spans.append(spans_of(name, fact, bound)) %}{% endfor %}
    select '{{ name }}' as trigger_name, {{ name in by_orders | map(attribute='trigger') }} as is_by_orders, customer_id, from_at, until_at, cause_event_id
    from ({{ overlaps(spans) }}) as {{ name }}
    {{ 'union all' if not loop.last }}
    {% else %}
    select '' as trigger_name, false as is_by_orders, customer_id, ended_at as from_at, ended_at as until_at, cause_event_id from silences where false
    {% endfor %}
),

-- bounds over orders begin to hold with one: the last at its instant
last_orders as (
    select customer_id, ordered_at, 'order:' || source_name || ':' || order_id as cause_event_id
    from {{ ref('customer_orders') }}
    where next_ordered_at is null or next_ordered_at > ordered_at
),

condition_causes as (
    select
        met.trigger_name, met.customer_id, greatest(met.cause_event_id, last_orders.cause_event_id) as cause_event_id, met.from_at as occurred_at,
        case when met.until_at <= {{ as_of() }} then met.until_at end as called_off_at
    from met
    left join last_orders on met.is_by_orders and met.customer_id = last_orders.customer_id and met.from_at = last_orders.ordered_at
    where met.from_at <= {{ as_of() }} and (met.until_at is null or met.until_at > met.from_at)
)

select * from condition_causes
