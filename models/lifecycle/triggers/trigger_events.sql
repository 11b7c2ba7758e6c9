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

followed as (
    select
        *,
        min(case cause_type when 'order' then occurred_at end) over later as next_order_at,
        min(case cause_type when 'checkout' then occurred_at end) over later as next_checkout_at
    from caused
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
    union all
    select trigger_name, customer_id, '', cause_event_id, occurred_at, called_off_at
    from conditions
),

timed as (
    select
        occasions.*, occasions.trigger_name || ':' || occasions.cause_event_id as event_key, declared.cool_down_days, declared.re_entry, declared.channels,
        {{ hours_after('occasions.occurred_at', 'declared.delay_hours') }} as due_at,
        {{ hours_after('occasions.occurred_at', 'declared.delay_hours + declared.max_lateness_hours') }} as too_late_after
    from occasions
    inner join declared on occasions.trigger_name = declared.trigger_name
    where occasions.occurred_at <= {{ as_of() }}
),

dated as (
    select
        *, {{ local_date('due_at') }} as due_on,
        called_off_at is null or called_off_at > due_at as is_standing,
        row_number() over (
            partition by trigger_name, customer_id, scope, {{ local_date('due_at') }}, called_off_at is null or called_off_at > due_at order by due_at, event_key
        ) as place_of_day
    from timed
),

-- of what stands, the first, and then whatever lies more than the cool-down after the last that counted
due_days as (
    select trigger_name, customer_id, scope, max(cool_down_days) as cool_down_days, {{ sorted_list('due_on') }} as days
    from dated
    where is_standing and cool_down_days >= 0
    group by trigger_name, customer_id, scope
),

spaced as (
    select trigger_name, customer_id, scope, {{ spaced_dates('days', 'cool_down_days') }} as days
    from due_days
),

judged as (
    select
        dated.*,
        case
            when not dated.is_standing then 'called_off'
            when dated.cool_down_days >= 0 and not ({{ is_among('dated.due_on', 'spaced.days') }} and dated.place_of_day = 1)
                then case dated.re_entry when 'once' then 'once' else 'cool_down' end
            when dated.too_late_after < {{ as_of() }} then 'late'
            when dated.called_off_at is not null then 'called_off'
        end as reason
    from dated
    left join spaced on dated.trigger_name = spaced.trigger_name and dated.customer_id = spaced.customer_id and dated.scope = spaced.scope
    where dated.occurred_at >= {{ local_midnight(days_after(local_date(as_of()), -var('triggers_kept_days'))) }}
),

trigger_events as (
    select
        trigger_name, customer_id, event_key, cause_event_id, nullif(scope, '') as scope, occurred_at, due_at, called_off_at,
        case when reason is not null then 'would_have_fired' when due_at > {{ as_of() }} then 'waiting' else 'due' end as status,
        reason, channels
    from judged
)

select * from trigger_events
