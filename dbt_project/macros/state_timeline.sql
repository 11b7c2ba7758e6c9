{# What customer.timeline_messages is made of, written once for the whole table, for what a night touches, and for the check. #}

{#
    One row per message of a person and per event of one. condition: which messages, as a condition on `messages`; whose: which people, as one on
    customer_id; messages, events: tables of some of the input's rows to read instead of all; news: what of these is told, as conditions
    on `messages` (then with all their events) and on `message_events`.
#}
{% macro told_messages(condition=none, whose=none, messages=none, events=none, news=none) %}
    with identifiers as (
        select source_name, record_id, customer_id
        from {{ ref('customer_identifiers') }}
        where record_type = 'message_contact'{% if whose %} and {{ whose }}{% endif %}
    ),

    -- whose a message is, is looked up once for all that became of it
    messages as (
        select
            identifiers.customer_id, messages.source_name, messages.brand, messages.message_id, messages.channel, messages.direction, messages.sent_at
            {%- if news %}, {{ news.messages }} as is_news{% endif %}
        from (select * from {{ messages or ref('messages') }} as messages{% if condition %} where {{ condition }}{% endif %}) as messages
        inner join identifiers
            on messages.source_name = identifiers.source_name
            and {{ ref_record_id('messages.contact_ref_type', 'messages.contact_ref') }} = identifiers.record_id
    ),

    message_events as (select *{% if news %}, {{ news.events }} as is_news{% endif %} from {{ events or ref('message_events') }} as message_events),

    told as (
        select
            customer_id, sent_at as occurred_at, 'message_' || coalesce(direction, 'outbound') as event_type,
            channel, source_name, message_id as source_id, brand
        from messages
        {%- if news %}
        where is_news
        {%- endif %}
        union all
        select
            messages.customer_id, message_events.occurred_at, 'message_' || message_events.event_type,
            messages.channel, message_events.source_name, message_events.event_id, message_events.brand
        from message_events
        inner join messages on message_events.source_name = messages.source_name and message_events.message_id = messages.message_id
        {%- if news %}
        where messages.is_news or message_events.is_news
        {%- endif %}
    )

    select * from told
{% endmacro %}

{# What tells the table's rows apart from the data, from who is who, and from what tells those of message_contacts apart. #}
{% macro timeline_definition() %}
    {%- if not execute or model.resource_type == 'unit_test' -%}{{ return('') }}{%- endif -%}
    {{- return(told_messages() ~ vendor_sources(['messages', 'message_events']) | join(',')) -}}
{% endmacro %}

{# Whose each reference of a message is. #}
{% macro timeline_owners_tonight() -%}
    select source_name, record_id, customer_id from {{ ref('customer_identifiers') }} where record_type = 'message_contact'
{%- endmacro %}

{# The hook that notes it for the next night. #}
{% macro timeline_owners_noted() %}{{ return("create or replace table " ~ beside('owners') ~ " as " ~ timeline_owners_tonight()) }}{% endmacro %}
