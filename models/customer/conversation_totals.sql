-- One row per person with a conversation: how many, and how many wait for an answer, over each window by when they were opened.
with conversations as (select * from {{ ref('conversations') }} where contact_ref is not null),

messages as (select * from {{ ref('messages') }} where conversation_id is not null),

identity_map as (select * from {{ ref('identity_map') }} where record_type = 'conversation_contact'),

talk as (
    select
        source_name, conversation_id,
        max(case when direction = 'inbound' then sent_at end) as last_inbound_at,
        max(case when direction = 'inbound' then null else sent_at end) as last_outbound_at
    from messages
    group by source_name, conversation_id
),

judged as (
    select
        conversations.source_name, conversations.contact_ref_type, conversations.contact_ref, conversations.opened_at,
        -- silence: nothing outbound follows what they wrote last. Where no messages are delivered the first reply tells
        case
            when talk.last_inbound_at is not null then coalesce(talk.last_outbound_at <= talk.last_inbound_at, true)
            else conversations.first_reply_at is null and talk.last_outbound_at is null
        end as is_last_word_theirs,
        -- somebody who was answered, said thanks and was closed waits for nothing
        conversations.closed_at is not null
        and (conversations.first_reply_at is not null or talk.last_outbound_at is not null) as is_settled
    from conversations
    left join talk on conversations.source_name = talk.source_name and conversations.conversation_id = talk.conversation_id
),

totals as (
    select
        identity_map.customer_id,
        max(judged.opened_at) as last_conversation_at,
        {{ windowed_counts('conversations_count', 'judged.opened_at') }},
        {{ windowed_counts('unanswered_conversations_count', 'judged.opened_at', 'is_last_word_theirs and not is_settled') }}
    from judged
    inner join identity_map
        on judged.source_name = identity_map.source_name
        and {{ ref_record_id('judged.contact_ref_type', 'judged.contact_ref') }} = identity_map.record_id
    group by identity_map.customer_id
)

select * from totals
