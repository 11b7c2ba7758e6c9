{% set figures = ['messages_sent_count', 'messages_opened_count', 'messages_clicked_count', 'replies_count'] %}
-- One row per person with a message: sent, opened and clicked by a human, answered, over each window.
with messages as (select * from {{ ref('messages') }} where contact_ref is not null),

-- mail programs open and follow links too
human_events as (
    select * from {{ ref('message_events') }}
    where event_type in ('opened', 'clicked', 'replied') and not coalesce(is_machine, false)
),

identity_map as (select * from {{ ref('identity_map') }} where record_type = 'message_contact'),

-- a source tells a reply as a message or as an event; where it does both, the message counts
sources_with_replies as (select distinct source_name, 1 as tells_replies from {{ ref('messages') }} where direction = 'inbound'),

-- one message opened twice is one opened message, so its last time tells every window
reactions as (
    select
        source_name, message_id,
        max(case when event_type = 'opened' then occurred_at end) as opened_at,
        max(case when event_type = 'clicked' then occurred_at end) as clicked_at,
        max(case when event_type = 'replied' then occurred_at end) as replied_at
    from human_events
    group by source_name, message_id
),

dated as (
    select
        messages.source_name, messages.contact_ref_type, messages.contact_ref,
        case when messages.direction = 'inbound' then null else messages.sent_at end as sent_at,
        reactions.opened_at, reactions.clicked_at,
        case
            when messages.direction = 'inbound' then messages.sent_at
            when sources_with_replies.tells_replies is null then reactions.replied_at
        end as answered_at
    from messages
    left join reactions on messages.source_name = reactions.source_name and messages.message_id = reactions.message_id
    left join sources_with_replies on messages.source_name = sources_with_replies.source_name
),

-- per reference first: far fewer rows have to be looked up than messages
per_reference as (
    select
        source_name, contact_ref_type, contact_ref,
        max(opened_at) as last_opened_at,
        max(clicked_at) as last_clicked_at,
        max(answered_at) as last_reply_at,
        {{ windowed_counts(figures[0], 'sent_at', 'sent_at is not null') }},
        {{ windowed_counts(figures[1], 'opened_at', 'opened_at is not null') }},
        {{ windowed_counts(figures[2], 'clicked_at', 'clicked_at is not null') }},
        {{ windowed_counts(figures[3], 'answered_at', 'answered_at is not null') }}
    from dated
    group by source_name, contact_ref_type, contact_ref
),

totals as (
    select
        identity_map.customer_id,
        max(per_reference.last_opened_at) as last_opened_at,
        max(per_reference.last_clicked_at) as last_clicked_at,
        max(per_reference.last_reply_at) as last_reply_at,
        {%- for figure in figures %}
        {{ summed_windows(figure) }}{{ ',' if not loop.last }}
        {%- endfor %}
    from per_reference
    inner join identity_map
        on per_reference.source_name = identity_map.source_name
        and {{ ref_record_id('per_reference.contact_ref_type', 'per_reference.contact_ref') }} = identity_map.record_id
    group by identity_map.customer_id
)

select * from totals
