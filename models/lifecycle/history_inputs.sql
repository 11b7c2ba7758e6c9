{%- set since = history_since() -%}
{%- set was = since.as_of if since -%}
{{ config(post_hook="{{ history_noted() }}") }}
-- One row per person: a print of all that their stage history is made of, and how a night remakes it: whole, continued, gone, or not at all (null).
-- What changed is found by comparing: the print of what is dated before last night's as_of with last night's print of everything then.
-- Somebody gone has a row for one night.
with people as (
    select customer_id, first_seen_at, case when reachable_from < {{ as_of() }} then reachable_from end as reachable_from
    from {{ ref('people') }}
    where {{ 'true' if history_is_kept() else 'false' }}
),

customer_orders as (
    select
        customer_id, ordered_at, ordered_on,
        hash(source_name, order_id, ordered_at, business_revenue_amount) as print,
        cast(revenue_to_date_amount / order_number as decimal(18, 4)) as mean_amount
    from {{ ref('customer_orders') }}
),

store as ({{ store_mean(ref('customer_orders')) }}),

ordered as (
    select
        customer_id, sum(print) as orders_print, max(ordered_on) as last_ordered_on
        {%- if since %},
        {{ print_before('ordered_at', was) }},
        -- the store's mean moved across the person's: any stay of the past may be another
        max(case when {{ 'coalesce(mean_amount >= ' ~ since.mean ~ ', false) <> coalesce(mean_amount >= aov_amount, false)' if bounds_of('is_high_value') else 'false' }} then 1 else 0 end) as is_revalued
        {%- endif %}
    from customer_orders
    cross join store
    group by customer_id
),

-- by record first: whose it is is then asked once
told_of_records as (
    select
        source_name, record_type, record_id, sum(print) as print, max(case when fact = 'inbound_message' then occurred_at end) as written_at
        {%- if since %}, {{ print_before('occurred_at', was) }}{% endif %}
    from (select *, hash(fact, source_name, event_id, occurred_at, stage, reason) as print from ({{ told_of_records() }}) as told) as printed
    group by source_name, record_type, record_id
),

told_of_people as (
    select
        customer_id, sum(print) as print, cast(null as timestamp) as written_at
        {%- if since %}, {{ print_before('occurred_at', was) }}{% endif %}
    from (select *, hash(fact, source_name, event_id, occurred_at) as print from ({{ told_of_people() }}) as told) as printed
    group by customer_id
),

told_of_either as (
    select identifiers.customer_id, told.print, told.written_at{% if since %}, told.print_before, told.since_at{% endif %}
    from told_of_records as told
    inner join {{ ref('customer_identifiers') }} as identifiers
        on told.source_name = identifiers.source_name and told.record_type = identifiers.record_type and told.record_id = identifiers.record_id
    union all
    select * from told_of_people
),

told as (
    select
        customer_id, sum(print) as told_print, max(written_at) as written_at
        {%- if since %}, sum(print_before) as print_before, min(since_at) as since_at{% endif %}
    from told_of_either
    group by customer_id
),

tonight as (
    select
        people.customer_id, people.first_seen_at, people.reachable_from, ordered.orders_print, told.told_print
        {%- if since %},
        ordered.print_before as orders_print_before, told.print_before as told_print_before, coalesce(ordered.is_revalued, 0) as is_revalued,
        least(ordered.since_at, told.since_at, case when people.reachable_from >= {{ was }} then people.reachable_from end) as since_at,
        ordered.since_at is not null or told.since_at is not null or coalesce(people.reachable_from >= {{ was }}, false)
            {{ days_pass('days_since_last_order', 'ordered.last_ordered_on', was) }}
            {{ days_pass('days_since_last_inbound', local_date('greatest(told.written_at, people.first_seen_at)'), was) }} as is_moved
        {%- endif %}
    from people
    left join ordered on people.customer_id = ordered.customer_id
    left join told on people.customer_id = told.customer_id
),

history_inputs as (
    {%- if since %}
    select
        coalesce(tonight.customer_id, before.customer_id) as customer_id, tonight.first_seen_at, tonight.reachable_from, tonight.orders_print, tonight.told_print,
        case
            when tonight.customer_id is null then 'gone'
            when before.customer_id is null or is_revalued = 1 or since_at = {{ was }} or tonight.first_seen_at <> before.first_seen_at
                or orders_print_before is distinct from before.orders_print or told_print_before is distinct from before.told_print
                or case when tonight.reachable_from < {{ was }} then tonight.reachable_from end is distinct from before.reachable_from then 'whole'
            when is_moved then 'continued'
        end as remade
    from tonight
    full outer join (select * from {{ this }} where first_seen_at is not null) as before on tonight.customer_id = before.customer_id
    {%- else %}
    select *, 'whole' as remade from tonight
    {%- endif %}
)

select * from history_inputs
