{% set priorities = var('conversation_priorities') %}
-- One row per open conversation: whose turn it is, since when, and which one to answer first and why.
with conversations as (select * from {{ ref('conversations') }} where closed_at is null),

messages as (select * from {{ ref('messages') }} where conversation_id is not null),

identifiers as (select * from {{ ref('customer_identifiers') }}),

stages as (select * from {{ ref('customer_stages') }} where stage_model = '{{ var('conversation_priority_model') }}'),

deals as (select * from {{ ref('crm_deals') }} where status = 'open' and amount is not null),

said as (
    select conversations.source_name, conversations.conversation_id, messages.direction, messages.sent_at
    from conversations
    inner join messages on conversations.source_name = messages.source_name and conversations.conversation_id = messages.conversation_id
),

turns as (
    select
        source_name, conversation_id,
        max(case when direction = 'inbound' then sent_at end) as last_inbound_at,
        max(case when direction = 'inbound' then null else sent_at end) as last_outbound_at
    from said
    group by source_name, conversation_id
),

-- what they wrote since anybody answered; of two messages at one instant the answer came first
unanswered as (
    select said.source_name, said.conversation_id, count(*) as unanswered_count, min(said.sent_at) as unanswered_since_at
    from said
    inner join turns on said.source_name = turns.source_name and said.conversation_id = turns.conversation_id
    where said.direction = 'inbound' and (turns.last_outbound_at is null or said.sent_at >= turns.last_outbound_at)
    group by said.source_name, said.conversation_id
),

quotes as (
    select identifiers.customer_id, count(*) as open_deals_count
    from deals
    inner join identifiers
        on deals.source_name = identifiers.source_name and identifiers.record_type = 'crm_contact' and deals.contact_id = identifiers.record_id
    group by identifiers.customer_id
),

-- where no messages are delivered the first reply tells whether they wait
joined as (
    select
        conversations.source_name, conversations.conversation_id, identifiers.customer_id, conversations.channel, conversations.owner_id,
        conversations.opened_at, turns.last_inbound_at, turns.last_outbound_at,
        coalesce(unanswered.unanswered_count, 0) as unanswered_count,
        case
            when turns.last_inbound_at is not null then unanswered.unanswered_since_at
            when conversations.first_reply_at is null and turns.last_outbound_at is null then conversations.opened_at
        end as waiting_since_at,
        greatest(conversations.opened_at, conversations.first_reply_at, turns.last_inbound_at, turns.last_outbound_at) as last_word_at,
        stages.stage, coalesce(quotes.open_deals_count, 0) as open_deals_count
    from conversations
    left join identifiers
        on conversations.source_name = identifiers.source_name
        and identifiers.record_type = 'conversation_contact'
        and {{ ref_record_id('conversations.contact_ref_type', 'conversations.contact_ref') }} = identifiers.record_id
    left join turns on conversations.source_name = turns.source_name and conversations.conversation_id = turns.conversation_id
    left join unanswered on conversations.source_name = unanswered.source_name and conversations.conversation_id = unanswered.conversation_id
    left join stages on identifiers.customer_id = stages.customer_id
    left join quotes on identifiers.customer_id = quotes.customer_id
),

classed as (
    select
        *,
        cast(floor({{ elapsed_days('waiting_since_at', as_of()) }} * 24) as integer) as waiting_hours,
        {{ days_between(local_date('last_word_at'), local_date(as_of())) }} > {{ var('conversation_quiet_days') }} as is_quiet,
        case
            {%- for each in priorities if each.get('stages') or each.get('open_deal') %}
            when {{ "stage in ('" ~ each['stages'] | join("', '") ~ "')" if each.get('stages') else 'false' }}{{ ' or open_deals_count > 0' if each.get('open_deal') }} then {{ loop.index }}
            {%- endfor %}
            else {{ priorities | length }}
        end as place
    from joined
),

ranked as (
    select
        *,
        case place {% for each in priorities %}when {{ loop.index }} then '{{ each['priority'] }}' {% endfor %}end as priority,
        case place {% for each in priorities %}when {{ loop.index }} then '{{ each['reason'] | replace("'", "''") }}' {% endfor %}end as why,
        cast(row_number() over (
            order by is_quiet, place, case when waiting_since_at is null then 1 else 0 end, waiting_since_at, opened_at, source_name, conversation_id
        ) as integer) as priority_rank
    from classed
),

conversation_priorities as (
    select
        source_name, conversation_id, customer_id, channel, owner_id, opened_at, last_inbound_at, last_outbound_at, unanswered_count,
        waiting_since_at, waiting_hours, stage, open_deals_count, is_quiet, priority, priority_rank,
        why || case when waiting_since_at is null then ', answered' else ', waits for an answer for ' || cast(waiting_hours as {{ dbt.type_string() }}) || ' hours' end
        || case when is_quiet then ', nobody said anything for a long time' else '' end as reason
    from ranked
)

select * from conversation_priorities
