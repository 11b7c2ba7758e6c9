{# What a night changes in lifecycle.side_events and stage_history, once history_inputs has said whom. #}

{# A condition on customer_id: to be remade in that way. #}
{% macro history_people() -%}
    customer_id in (select customer_id from {{ ref('history_inputs') }} where remade in ('{{ varargs | join("', '") }}'))
{%- endmacro %}

{# What is taken out before tonight's rows are put in, in the same transaction. #}
{% macro history_events_cleared() %}
    {%- if history_night(this) is not none -%}delete from {{ this }} where {{ history_people('whole', 'gone') }}{%- endif -%}
{% endmacro %}

{# Likewise; and the stays that ended since are given their end. #}
{% macro history_stays_cleared() %}
    {%- if history_night(this) is not none -%}
    delete from {{ this }} where {{ history_people('whole', 'gone') }};
    update {{ this }} set valid_to = remade.valid_to
    from (select customer_id, stage_model, valid_to from {{ this.identifier }}__remade where is_ground and valid_to is not null) as remade
    where {{ this }}.valid_to is null and {{ this }}.customer_id = remade.customer_id and {{ this }}.stage_model = remade.stage_model
    {%- endif -%}
{% endmacro %}

{#
    The stays of those to be remade: of `whole` all of them, of `continued` what came since, on the ground of where they stood then.
    Each step is a scratch table, for most are read more than once.
#}
{% macro history_remade_stays(since) %}
    {%- set who, ground, orders, sides, facts = this.identifier ~ '__who', this.identifier ~ '__ground', this.identifier ~ '__orders', this.identifier ~ '__sides', this.identifier ~ '__facts' -%}
    {%- do create_scratch(who, "select customer_id, remade = 'continued' as is_continued from " ~ ref('history_inputs') ~ " where remade in ('whole', 'continued')") -%}
    {%- do create_scratch(ground, history_ground(who, since)) -%}
    {%- set people = "(select people.*, who.is_continued from " ~ ref('people') ~ " as people inner join " ~ who ~ " as who on people.customer_id = who.customer_id) as people" -%}
    {%- set customer_orders = "(select * from " ~ ref('customer_orders') ~ " where customer_id in (select customer_id from " ~ who ~ ")) as customer_orders" -%}
    {%- set states = order_states(people, customer_orders, ref('customer_orders'), since) -%}
    {%- do create_scratch(orders, order_changes("(" ~ states ~ ") as order_states", since)) -%}
    {%- set new_events = "select * from " ~ ref('side_events') ~ " where told_at >= " ~ since ~ " or customer_id in (select customer_id from " ~ who ~ " where not is_continued)" -%}
    {%- do create_scratch(sides, side_changes("(" ~ new_events ~ ") as side_events", ground, since)) -%}
    {%- set told = "(select customer_id, occurred_at from (" ~ new_events ~ ") as events union all select customer_id, null from " ~ ground ~ ") as side_events" -%}
    {%- do create_scratch(facts, fact_changes(orders, sides, told)) -%}
    {%- set continued = "(select facts.*, who.is_continued from " ~ facts ~ " as facts inner join " ~ who ~ " as who on facts.customer_id = who.customer_id) as fact_changes" -%}
    select
        remade.customer_id, remade.stage_model, remade.stage, remade.kind, remade.lost_reason, remade.valid_from, remade.valid_to, remade.previous_stage,
        case when remade.follows_ground then kept.valid_from else remade.previous_from end as previous_from,
        remade.cause_event_id, remade.rule_version, remade.is_ground
    from ({{ stays(continued, since) }}) as remade
    left join (select customer_id, stage_model, valid_from from {{ this }} where valid_to is null) as kept
        on remade.follows_ground and remade.customer_id = kept.customer_id and remade.stage_model = kept.stage_model
    where not remade.is_ground or remade.valid_to is not null
{% endmacro %}

{# What the side events of people who are continued had come to by then. Of stages that a source gave the last counts. #}
{% macro history_ground(who, since) %}
    with before as (
        select * from {{ ref('side_events') }}
        where told_at < {{ since }} and customer_id in (select customer_id from {{ who }} where is_continued)
    ),

    staged as (
        select customer_id, stage, row_number() over (partition by customer_id order by told_at desc, source_name desc, event_id desc) as back
        from before
        where fact = 'source_stage'
    ),

    counted as (
        select
            customer_id,
            cast(count(case when fact = 'advocacy' then 1 end) as integer) as advocacy_count,
            cast(count(case when fact = 'conversation' then 1 end) as integer) as conversations_count,
            cast(count(case when fact = 'inbound_message' then 1 end) as integer) as inbound_messages_count,
            cast(sum(case fact when 'deal_opened' then 1 when 'deal_closed' then -1 else 0 end) as integer) as open_deals_count,
            max(case when fact = 'inbound_message' then occurred_at end) as written_at
        from before
        group by customer_id
    )

    select counted.*, staged.stage as source_stage
    from counted
    left join staged on counted.customer_id = staged.customer_id and staged.back = 1
{% endmacro %}

{# For history_inputs, of rows with a print: what the print was before `was`, and when anything came since. #}
{% macro print_before(at, was) -%}
    sum(case when {{ at }} < {{ was }} then print end) as print_before, min(case when {{ at }} >= {{ was }} then {{ at }} end) as since_at
{%- endmacro %}

{# Or that the days since some date passed a bound of a stage between the business day of `was` and that of as_of. #}
{% macro days_pass(fact, on_date, was) %}
    {%- for days in stage_thresholds(fact) %}
            or coalesce({{ days_between(on_date, local_date(was)) }} <= {{ days }} and {{ days_between(on_date, local_date(as_of())) }} > {{ days }}, false)
    {%- endfor -%}
{% endmacro %}

{# What a night reads beside what a whole build does, told to dbt while it parses. #}
{% macro history_reads() %}
    {%- if not execute -%}
    {%- for name in ['history_inputs', 'people', 'customer_orders', 'customer_identifiers', 'side_events', 'conversations', 'messages', 'crm_stage_changes', 'crm_deals', 'advocacy_acts'] -%}
    {{ ref(name) }}
    {%- endfor -%}
    {%- endif -%}
{% endmacro %}
