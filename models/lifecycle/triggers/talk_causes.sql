-- One row per silence in a conversation, on their side or on ours, and per birthday: what can begin a trigger beside a shop.
with timeline as (
    select customer_id, source_name, source_id as conversation_id from {{ ref('customer_timeline') }} where event_type = 'conversation_opened'
),

conversations as (select * from {{ ref('conversations') }} where {{ is_spoken_of(['quiet_conversation', 'unanswered_question']) }}),

messages as (select * from {{ ref('messages') }} where conversation_id is not null and {{ is_spoken_of(['quiet_conversation', 'unanswered_question']) }}),

attributes as (select customer_id, birth_on from {{ ref('attributes') }} where birth_on is not null and {{ is_spoken_of(['birthday']) }}),

contacts as (select source_name, contact_id, birth_on from {{ ref('crm_contacts') }} where birth_on is not null),

identifiers as (select * from {{ ref('customer_identifiers') }} where record_type = 'crm_contact'),

said as (
    select
        source_name, conversation_id, message_id, sent_at,
        direction = 'inbound' as is_theirs,
        coalesce(lag(direction) over talk = 'inbound', false) as is_theirs_before,
        lead(sent_at) over talk as next_sent_at,
        min(case when direction = 'inbound' then null else sent_at end) over (
            partition by source_name, conversation_id order by sent_at, message_id rows between 1 following and unbounded following
        ) as next_ours_at
    from messages
    window talk as (partition by source_name, conversation_id order by sent_at, message_id)
),

silences as (
    -- our word was the last for at least the shortest delay
    select source_name, conversation_id, 'quiet_conversation' as event, 'message' as cause_type, message_id as source_id, sent_at as occurred_at, next_sent_at as ended_at
    from said
    where not is_theirs and (next_sent_at is null or next_sent_at > {{ hours_after('sent_at', shortest_delay_hours('quiet_conversation')) }})
    union all
    -- they wait since the first of what they wrote in a row
    select source_name, conversation_id, 'unanswered_question', 'message', message_id, sent_at, next_ours_at
    from said
    where is_theirs and not is_theirs_before
    union all
    -- where no messages are delivered the first reply tells
    select conversations.source_name, conversations.conversation_id, 'unanswered_question', 'conversation', conversations.conversation_id, conversations.opened_at, conversations.first_reply_at
    from conversations
    left join (select distinct source_name, conversation_id from messages) as talked
        on conversations.source_name = talked.source_name and conversations.conversation_id = talked.conversation_id
    where talked.conversation_id is null
),

-- a closed conversation waits for nobody
talk_causes as (
    select
        timeline.customer_id, silences.event, '' as scope, silences.cause_type, silences.source_name, silences.source_id, silences.occurred_at,
        least(silences.ended_at, case when conversations.closed_at >= silences.occurred_at then conversations.closed_at end) as called_off_at
    from silences
    inner join conversations on silences.source_name = conversations.source_name and silences.conversation_id = conversations.conversation_id
    inner join timeline on silences.source_name = timeline.source_name and silences.conversation_id = timeline.conversation_id
),

-- which record said it stays the same through merges
born as (
    select
        attributes.customer_id, attributes.birth_on, min(contacts.source_name || ':' || contacts.contact_id) as record
    from attributes
    inner join identifiers on attributes.customer_id = identifiers.customer_id
    inner join contacts on identifiers.source_name = contacts.source_name and identifiers.record_id = contacts.contact_id and attributes.birth_on = contacts.birth_on
    group by attributes.customer_id, attributes.birth_on
),

years as ({{ period_starts(period_start(days_after(local_date(as_of()), -var('triggers_kept_days')), 'year'), local_date(as_of()), 'year') }}),

-- the 29th of February is kept on the 28th where there is none
birthdays as (
    select
        born.customer_id, 'birthday' as event, '' as scope, 'birthday' as cause_type, born.record as source_name, cast(year(years.period_start_on) as {{ dbt.type_string() }}) as source_id,
        {{ local_midnight(months_after('born.birth_on', '12 * cast(year(years.period_start_on) - year(born.birth_on) as integer)')) }} as occurred_at, cast(null as timestamp) as called_off_at
    from born
    cross join years
    where year(born.birth_on) < year(years.period_start_on)
)

select * from talk_causes
union all
select * from birthdays
