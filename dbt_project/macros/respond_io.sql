{#
    What several staging models of respond.io share. It has no id for a conversation and names none with a message: a conversation is
    a contact and the second it was opened in, and a message belongs to the one that was open when it was sent.
#}

{# One row per event that webhooks told of: its first delivery. The time of receipt is all that some events have. #}
{% macro respond_io_events() %}
    select * from (
        select
            deliveries.*,
            coalesce(happened_at, received_at) as told_at,
            row_number() over (partition by source_name, event_id order by received_at) as receipt
        from ({{ current_rows('deliveries', key=['event_id', 'received_at'], kind='respond_io') }}) as deliveries
    ) as receipts
    where receipt = 1
{%- endmacro %}

{#
    One row per conversation that was opened or closed while webhooks were received. An opening that does not say when is that of the
    conversation that it was told in, or at most ten minutes after.
#}
{% macro respond_io_conversations(events) %}
    select
        source_name,
        max(brand) as brand,
        contact_id,
        contact_id || ':' || cast({{ seconds_between("timestamp '1970-01-01 00:00:00'", 'opened_at') }} as {{ dbt.type_string() }}) as conversation_id,
        opened_at,
        max(closed_at) as closed_at,
        max(category) as category,
        max(assignee_id) as assignee_id,
        max(team) as team,
        max(last_assigned_at) as last_assigned_at,
        max(first_response_seconds) as first_response_seconds,
        max(source_campaign) as source_campaign,
        max(loaded_at) as loaded_at
    from (
        select
            source_name, brand, contact_id, opened_at, closed_at, category, assignee_id, team, last_assigned_at, first_response_seconds,
            source_campaign, loaded_at
        from {{ events }}
        where event_type = 'conversation.closed'
        union all
        select
            opened.source_name, opened.brand, opened.contact_id, coalesce(opened.opened_at, closed.opened_at, opened.told_at) as opened_at,
            null, null, null, null, null, null, opened.source_campaign, opened.loaded_at
        from {{ events }} as opened
        left join {{ events }} as closed
            on closed.event_type = 'conversation.closed' and opened.opened_at is null
            and closed.source_name = opened.source_name and closed.contact_id = opened.contact_id
            and closed.opened_at <= opened.told_at
            and (opened.told_at <= closed.opened_at + interval '10' minute or opened.told_at <= closed.closed_at)
        where opened.event_type = 'conversation.opened'
    ) as told
    where contact_id is not null and opened_at is not null
    group by source_name, contact_id, opened_at
{%- endmacro %}

{# One row per message: as the API lists it, or, where it does not (yet), as a webhook told of it. #}
{% macro respond_io_messages(events) %}
    select
        messages.source_name, messages.brand, messages.message_id, messages.contact_id, channels.source as channel_source, messages.traffic,
        messages.sender, messages.user_id, messages.workflow_id, messages.broadcast_id, messages.sent_at, messages.loaded_at
    from ({{ current_rows('messages', key=['message_id'], kind='respond_io') }}) as messages
    left join ({{ current_rows('channels', key=['channel_id'], kind='respond_io') }}) as channels
        on channels.source_name = messages.source_name and channels.channel_id = messages.channel_id
    union all
    select
        source_name, brand, message_id, contact_id, channel_source, traffic, sender, user_id, workflow_id, broadcast_id, sent_at, loaded_at
    from (
        select told.*, row_number() over (partition by told.source_name, told.message_id order by told.received_at) as telling
        from {{ events }} as told
        left join ({{ current_rows('messages', key=['message_id'], kind='respond_io') }}) as listed
            on listed.source_name = told.source_name and listed.message_id = told.message_id
        where told.event_type in ('message.received', 'message.sent') and told.message_id is not null and told.sent_at is not null
            and listed.message_id is null
    ) as unlisted
    where telling = 1
{%- endmacro %}

{#
    The rows of a relation with a contact and a time, each with the conversation that was open then; null where none was. What opens a
    conversation is a moment older than it.
#}
{% macro respond_io_within(relation, at, id, conversations) %}
    select {{ relation }}.*, conversations.conversation_id
    from {{ relation }}
    inner join (
        select *, max(began_at) over (
            partition by source_name, contact_id order by mark_at, row_id nulls first rows between unbounded preceding and current row
        ) as opened_at
        from (
            select source_name, contact_id, {{ at }} as mark_at, {{ id }} as row_id, cast(null as timestamp) as began_at
            from {{ relation }}
            union all
            select source_name, contact_id, opened_at - interval '10' second as mark_at, null as row_id, opened_at as began_at
            from {{ conversations }}
        ) as marks
    ) as marked
        on marked.source_name = {{ relation }}.source_name and marked.row_id = {{ relation }}.{{ id }}
    left join {{ conversations }} as conversations
        on conversations.source_name = marked.source_name and conversations.contact_id = marked.contact_id
        and conversations.opened_at = marked.opened_at
        and (conversations.closed_at is null or marked.mark_at <= conversations.closed_at)
{%- endmacro %}
