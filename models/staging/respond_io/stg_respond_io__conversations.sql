-- One row per source and conversation at respond.io that webhooks told of, with the replies that its messages show.
with events as (
    {{ respond_io_events() }}
),

opened as (
    {{ respond_io_conversations('events') }}
),

messages as (
    {{ respond_io_messages('events') }}
),

contacts as (
    {{ current_rows('contacts', key=['contact_id'], kind='respond_io') }}
),

states as (select * from {{ ref('respond_io_states') }}),

talk as (
    {{ respond_io_within('messages', 'sent_at', 'message_id', 'opened') }}
),

spoken as (
    select
        talk.source_name,
        talk.conversation_id,
        talk.sent_at,
        -- what opens a conversation is a moment older than it, and no reply
        talk.traffic = 'outgoing' and talk.sent_at >= opened.opened_at as is_reply,
        channel.meaning as channel,
        sent_by.meaning as sent_by,
        row_number() over (partition by talk.source_name, talk.conversation_id order by talk.sent_at, talk.message_id) as place
    from talk
    inner join opened on opened.source_name = talk.source_name and opened.conversation_id = talk.conversation_id
    left join states as channel on channel.topic = 'channel' and channel.vendor_state = talk.channel_source
    left join states as sent_by on sent_by.topic = 'sent_by' and sent_by.vendor_state = talk.sender
),

replies as (
    select
        source_name,
        conversation_id,
        max(case when place = 1 then channel end) as channel,
        min(case when is_reply then sent_at end) as first_reply_at,
        min(case when is_reply and sent_by = 'human' then sent_at end) as first_human_reply_at
    from spoken
    group by source_name, conversation_id
),

conversations as (
    select
        opened.conversation_id,
        opened.contact_id as contact_ref,
        'contact_id' as contact_ref_type,
        replies.channel,
        opened.opened_at,
        -- a conversation whose replies were never read has how long the first one took
        coalesce(replies.first_reply_at, opened.opened_at + opened.first_response_seconds * interval '1' second) as first_reply_at,
        case
            when replies.first_reply_at is not null then replies.first_human_reply_at
            else opened.opened_at + opened.first_response_seconds * interval '1' second
        end as first_human_reply_at,
        opened.closed_at,
        -- whose it was when it was closed; whose the contact is now where it is open, and the last one
        case
            when opened.closed_at is not null then opened.assignee_id
            when opened.opened_at = max(opened.opened_at) over (partition by opened.source_name, opened.contact_id) then contacts.assignee_id
        end as owner_id,
        opened.category as close_reason,
        opened.source_campaign,
        opened.source_name,
        opened.brand,
        opened.loaded_at
    from opened
    left join replies on replies.source_name = opened.source_name and replies.conversation_id = opened.conversation_id
    left join contacts on contacts.source_name = opened.source_name and contacts.contact_id = opened.contact_id
)

select * from conversations
