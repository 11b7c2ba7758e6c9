{# What identity.message_contacts is made of, written once for the whole table, for what a night changes, and for the check. #}

{% macro message_figures() %}{{ return(['messages_sent_count', 'messages_opened_count', 'messages_clicked_count', 'replies_count']) }}{% endmacro %}

{#
    One row per source and contact reference of a message. scope: which messages, as a condition on `messages`; all, where none is given.
    since: by how much the counts of just those messages differ from what they were then (macro state_since). messages, events: tables of
    some of the input's rows to read instead of all; messages that did not change do no harm.
    A night that was no correction leaves no other difference: whatever a message was before is told by its rows that were there.
#}
{% macro contacted(scope=none, since=none, messages=none, events=none) %}
    with messages as (
        select * from {{ messages or ref('messages') }} as messages
        where contact_ref is not null and contact_ref_type is not null{% if scope %} and {{ scope }}{% endif %}
    ),

    -- a source tells a reply as a message or as an event; where it does both, the message counts
    sources_with_replies as ({{ sources_with_replies() }}),

    -- mail programs open and follow links too. Sources are told apart here, by a condition: in a join with them the engine may hash all
    -- messages by their source, which is one key for millions of rows, and these must then lie in memory at once
    human_events as (
        select * from {{ events or ref('message_events') }} as message_events
        where event_type in ('opened', 'clicked', 'replied') and not coalesce(is_machine, false)
            and not (event_type = 'replied' and source_name in (select source_name from sources_with_replies))
        {%- if scope and not events %}
            and exists (
                select 1 from messages
                where messages.source_name = message_events.source_name and messages.message_id = message_events.message_id
            )
        {%- endif %}
    ),

    -- one message opened twice is one opened message, so its last time tells every window
    reactions as (
        select
            source_name, message_id
            {%- for event_type in ['opened', 'clicked', 'replied'] %},
            max(case when event_type = '{{ event_type }}' then occurred_at end) as {{ event_type }}_at
            {%- if since %},
            max(case when event_type = '{{ event_type }}' and {{ was_there('occurred_at', since) }} then occurred_at end) as was_{{ event_type }}_at
            {%- endif %}
            {%- endfor %}
        from human_events
        group by source_name, message_id
    ),

    judged as (
        select
            messages.source_name, messages.contact_ref_type, messages.contact_ref, messages.sent_at as seen_at, messages.loaded_at,
            coalesce(messages.direction = 'inbound', false) as is_inbound,
            {{ was_there('messages.sent_at', since) if since else 'false' }} as was_there,
            reactions.opened_at, reactions.clicked_at, reactions.replied_at
            {%- if since %}, reactions.was_opened_at, reactions.was_clicked_at, reactions.was_replied_at{% endif %}
        from messages
        left join reactions on messages.source_name = reactions.source_name and messages.message_id = reactions.message_id
    ),

    -- where an inbox tells who has read what they wrote, that is somebody of the shop
    dated as (
        select
            source_name, contact_ref_type, contact_ref, seen_at, loaded_at,
            case when not is_inbound then opened_at end as opened_at,
            case when not is_inbound then clicked_at end as clicked_at,
            case when not is_inbound then seen_at end as sent_at,
            case when is_inbound then seen_at else replied_at end as answered_at
            {%- if since %},
            case when was_there and not is_inbound then was_opened_at end as was_opened_at,
            case when was_there and not is_inbound then was_clicked_at end as was_clicked_at,
            case when was_there and not is_inbound then seen_at end as was_sent_at,
            case when was_there and is_inbound then seen_at when was_there then was_replied_at end as was_answered_at
            {%- endif %}
        from judged
    )

    select
        source_name, contact_ref_type, contact_ref,
        min(seen_at) as first_message_at,
        min(loaded_at) as first_loaded_at,
        max(opened_at) as last_opened_at,
        max(clicked_at) as last_clicked_at,
        max(answered_at) as last_reply_at,
        {%- for at in ['sent_at', 'opened_at', 'clicked_at', 'answered_at'] %}
        {{ counted_times(message_figures()[loop.index0], at, since.as_of if since else none) }}{{ ',' if not loop.last }}
        {%- endfor %}
    from dated
    group by source_name, contact_ref_type, contact_ref
{% endmacro %}

{# Whether a row was among what was taken in then. It holds of rows that were not corrected since. #}
{% macro was_there(at, since) -%}
    ({{ at }} < {{ since.as_of }} and {{ at.rpartition('.')[0] ~ '.' if '.' in at }}loaded_at <= {{ since.loaded_until }})
{%- endmacro %}

{% macro sources_with_replies() -%}
    select distinct source_name from {{ ref('messages') }} where direction = 'inbound'
{%- endmacro %}
