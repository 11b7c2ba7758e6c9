{# What customer.timeline_messages is made of, written once for the whole table, for what a night touches, and for the check. #}

{#
    One row per message of a person and per event of one. condition: which messages, as a condition on `messages`; customers: a table of
    those (customer_id) whose messages are told; touched: a table (source_name, message_id, event_id) of messages (event_id is null: with all their
    events) and of single events, all of which are told and nothing else.
#}
{% macro told_messages(condition=none, customers=none, touched=none) %}
    with identifiers as (
        select source_name, record_id, customer_id
        from {{ ref('customer_identifiers') }}
        where record_type = 'message_contact'{% if customers %} and customer_id in (select customer_id from {{ customers }}){% endif %}
    ),

    -- whose a message is, is looked up once for all that became of it
    messages as (
        select
            identifiers.customer_id, messages.source_name, messages.brand, messages.message_id, messages.channel, messages.direction, messages.sent_at
        from (
            select * from {{ ref('messages') }}
            {%- if condition %} where {{ condition }}{% endif %}
            {%- if touched %} where message_id in (select message_id from {{ touched }}){% endif %}
        ) as messages
        inner join identifiers
            on messages.source_name = identifiers.source_name
            and {{ ref_record_id('messages.contact_ref_type', 'messages.contact_ref') }} = identifiers.record_id
    ),

    message_events as (
        select * from {{ ref('message_events') }}
        {%- if touched %} where message_id in (select message_id from {{ touched }}){% endif %}
    ),

    told as (
        select
            messages.customer_id, messages.sent_at as occurred_at, 'message_' || coalesce(messages.direction, 'outbound') as event_type,
            messages.channel, messages.source_name, messages.message_id as source_id, messages.brand
        from messages
        {%- if touched %}
        where exists (
            select 1 from {{ touched }} as touched
            where touched.source_name = messages.source_name and touched.message_id = messages.message_id and touched.event_id is null
        )
        {%- endif %}
        union all
        select
            messages.customer_id, message_events.occurred_at, 'message_' || message_events.event_type,
            messages.channel, message_events.source_name, message_events.event_id, message_events.brand
        from message_events
        inner join messages on message_events.source_name = messages.source_name and message_events.message_id = messages.message_id
        {%- if touched %}
        where exists (
            select 1 from {{ touched }} as touched
            where touched.source_name = message_events.source_name and touched.message_id = message_events.message_id
            and coalesce(touched.event_id, message_events.event_id) = message_events.event_id
        )
        {%- endif %}
    )

    select * from told
{% endmacro %}

{# What tells the table's rows apart from the data and from who is who. #}
{% macro timeline_definition() %}
    {%- if not execute or model.resource_type == 'unit_test' -%}{{ return('') }}{%- endif -%}
    {{- return(told_messages() ~ view_definitions(['messages', 'message_events', 'stg_contract__messages', 'stg_contract__message_events'])
        ~ vendor_sources(['messages', 'message_events']) | join(',')) -}}
{% endmacro %}

{# Whose each reference of a message is. #}
{% macro timeline_owners_tonight() -%}
    select source_name, record_id, customer_id from {{ ref('customer_identifiers') }} where record_type = 'message_contact'
{%- endmacro %}

{# The hook that notes it for the next night. #}
{% macro timeline_owners_noted() %}{{ return("create or replace table " ~ beside('owners') ~ " as " ~ timeline_owners_tonight()) }}{% endmacro %}
