{% set called_off = [] %}
{% for trigger in triggers().values() if trigger.called_off_by %}{% do called_off.append("'" ~ trigger.event ~ "'") %}{% endfor %}
{% set kept_from = local_midnight(days_after(local_date(as_of()), -var('triggers_kept_days'))) %}
-- One row per trigger and cause in the last thirteen months: when a channel was to act on it, and whether it still is.
with declared as (
    {% for name, trigger in triggers().items() %}
    select
        '{{ name }}' as trigger_name, '{{ trigger.event }}' as event, {{ trigger.delay_hours }} as delay_hours, {{ trigger.max_lateness_hours }} as max_lateness_hours,
        {{ 1000000 if trigger.re_entry == 'once' else trigger.cool_down_days }} as cool_down_days, '{{ trigger.re_entry }}' as re_entry,
        {{ 'order' in trigger.called_off_by }} as is_called_off_by_order, {{ 'checkout' in trigger.called_off_by }} as is_called_off_by_checkout,
        '{{ trigger.channels | join(', ') }}' as channels
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

caused as (
    select * from {{ ref('shop_causes') }}
    union all
    select * from {{ ref('talk_causes') }}
),

-- of the people with something to call off, what comes after it
followed as (
    select
        *,
        min(case cause_type when 'order' then occurred_at end) over later as next_order_at,
        min(case cause_type when 'checkout' then occurred_at end) over later as next_checkout_at
    from caused
    where customer_id in (select customer_id from caused where event in ({{ called_off | join(', ') or 'null' }}))
    window later as (partition by customer_id order by occurred_at range between interval 1 microsecond following and unbounded following)
),

conditions as (select * from {{ ref('condition_causes') }}),

occasions as (
    select
        declared.trigger_name, followed.customer_id, followed.scope, followed.cause_type || ':' || followed.source_name || ':' || followed.source_id as cause_event_id,
        followed.occurred_at,
        least(
            followed.called_off_at,
            case when declared.is_called_off_by_order then followed.next_order_at end,
            case when declared.is_called_off_by_checkout then followed.next_checkout_at end
        ) as called_off_at
    from followed
    inner join declared on followed.event = declared.event
    where declared.is_called_off_by_order or declared.is_called_off_by_checkout
    union all
    select declared.trigger_name, caused.customer_id, caused.scope, caused.cause_type || ':' || caused.source_name || ':' || caused.source_id, caused.occurred_at, caused.called_off_at
    from caused
    inner join declared on caused.event = declared.event
    where not (declared.is_called_off_by_order or declared.is_called_off_by_checkout)
    union all
    select trigger_name, customer_id, '', cause_event_id, occurred_at, called_off_at
    from conditions
),

timed as (
    select
        occasions.*, declared.cool_down_days, declared.re_entry,
        {{ hours_after('occasions.occurred_at', 'declared.delay_hours') }} as due_at,
        {{ local_date(hours_after('occasions.occurred_at', 'declared.delay_hours')) }} as due_on,
        occasions.called_off_at is null or occasions.called_off_at > {{ hours_after('occasions.occurred_at', 'declared.delay_hours') }} as is_standing
    from occasions
    inner join declared on occasions.trigger_name = declared.trigger_name
    -- what is long past matters for its cool-down alone
    where occasions.occurred_at <= {{ as_of() }} and (occasions.occurred_at >= {{ kept_from }} or declared.cool_down_days >= 0)
),

-- how far what stands lies from what stands beside it
neighboured as (
    select
        *,
        {{ days_between('lag(due_on) over beside', 'due_on') }} as days_before,
        {{ days_between('due_on', 'lead(due_on) over beside') }} as days_after
    from timed
    window beside as (partition by trigger_name, customer_id, scope, is_standing order by due_at, cause_event_id)
),

-- more than the cool-down after all before it, it counts. Of those nearer to one another the first, and then whatever lies more than the cool-down after
-- the last that counted
crowds as (
    select trigger_name, customer_id, scope, max(cool_down_days) as cool_down_days, {{ sorted_list('due_on') }} as days
    from neighboured
    where is_standing and re_entry <> 'once' and (days_before <= cool_down_days or days_after <= cool_down_days)
    group by trigger_name, customer_id, scope
),

spaced as (
    select trigger_name, customer_id, scope, {{ spaced_dates('days', 'cool_down_days') }} as days
    from crowds
),

judged as (
    select
        neighboured.*, declared.channels,
        case
            when not neighboured.is_standing then 'called_off'
            when neighboured.days_before <= neighboured.cool_down_days and (spaced.days is null or neighboured.days_before = 0 or not {{ is_among('neighboured.due_on', 'spaced.days') }})
                then case neighboured.re_entry when 'once' then 'once' else 'cool_down' end
            when {{ hours_after('neighboured.due_at', 'declared.max_lateness_hours') }} < {{ as_of() }} then 'late'
            when neighboured.called_off_at is not null then 'called_off'
        end as reason
    from neighboured
    inner join declared on neighboured.trigger_name = declared.trigger_name
    left join spaced
        on neighboured.trigger_name = spaced.trigger_name and neighboured.customer_id = spaced.customer_id and neighboured.scope = spaced.scope
        and neighboured.days_before <= neighboured.cool_down_days
    where neighboured.occurred_at >= {{ kept_from }}
),

trigger_events as (
    select
        trigger_name, customer_id, trigger_name || ':' || cause_event_id as event_key, cause_event_id, nullif(scope, '') as scope, occurred_at, due_at, called_off_at,
        case when reason is not null then 'would_have_fired' when due_at > {{ as_of() }} then 'waiting' else 'due' end as status,
        reason, channels
    from judged
)

select * from trigger_events
