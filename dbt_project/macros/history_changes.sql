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
    Each step is a scratch table, for all are read more than once.
#}
{% macro history_remade_stays(since) %}
    {%- set orders, sides, facts, who = this.identifier ~ '__orders', this.identifier ~ '__sides', this.identifier ~ '__facts', this.identifier ~ '__who' -%}
    {%- do create_scratch(who, "select customer_id, remade = 'continued' as is_continued from " ~ ref('history_inputs') ~ " where remade in ('whole', 'continued')") -%}
    {%- set theirs = " where customer_id in (select customer_id from " ~ who ~ ")" -%}
    {%- set people = "(select people.*, who.is_continued from " ~ ref('people') ~ " as people inner join " ~ who ~ " as who on people.customer_id = who.customer_id) as people" -%}
    {%- set customer_orders = "(select * from " ~ ref('customer_orders') ~ theirs ~ ") as customer_orders" -%}
    {%- set states = "(" ~ order_states(people, customer_orders, ref('customer_orders'), since) ~ ") as order_states" -%}
    {%- do create_scratch(orders, order_changes(states)) -%}
    {%- set events = "(" ~ history_summed_events(who, since) ~ ") as side_events" -%}
    {%- do create_scratch(sides, side_changes(events, 'events_count')) -%}
    {%- do create_scratch(facts, fact_changes(orders, sides, "(select * from " ~ ref('side_events') ~ theirs ~ ") as side_events")) -%}
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

{#
    The side events of those people, where all that happened to somebody continued before `since` is one row for each fact, as many as it
    stands for. Stages that a source gave stay apart, since the last of them counts.
#}
{% macro history_summed_events(who, since) %}
    {%- set events = ref('side_events') ~ " as events inner join " ~ who ~ " as who on events.customer_id = who.customer_id" -%}
    select events.customer_id, told_at, occurred_at, fact, source_name, event_id, stage, 1 as events_count
    from {{ events }}
    where not is_continued or told_at >= {{ since }} or fact = 'source_stage'
    union all
    select events.customer_id, max(told_at), max(occurred_at), fact, '', '', null, cast(count(*) as integer)
    from {{ events }}
    where is_continued and told_at < {{ since }} and fact <> 'source_stage'
    group by events.customer_id, fact
{% endmacro %}

{# For history_inputs, of rows with a print: what the print was before `was`, and whether anything came at that instant, or when last. #}
{% macro print_before(at, was) -%}
    sum(case when {{ at }} < {{ was }} then print end) as print_before, max({{ at }}) as last_at,
        max(case when {{ at }} = {{ was }} then 1 else 0 end) as is_at
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
