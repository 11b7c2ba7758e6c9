-- One row per stay of kind lost that began before as_of: why, who said so, and what came before it.
with stays as (select * from {{ ref('stage_history') }} where kind = 'lost' and valid_from < {{ as_of() }}),

touch_points as (select * from {{ ref('touch_points') }}),

stage_changes as (select * from {{ ref('crm_stage_changes') }}),

identifiers as (select * from {{ ref('customer_identifiers') }}),

conversations as (select * from {{ ref('conversations') }}),

messages as (select * from {{ ref('messages') }}),

deals as (select * from {{ ref('crm_deals') }} where status = 'lost' and lost_reason is not null),

lost_people as (select distinct customer_id from stays),

marks as (
    select 'source_stage:' || source_name || ':' || change_id as cause_event_id, changed_by
    from stage_changes
),

talks as (
    select identifiers.customer_id, conversations.opened_at, coalesce(conversations.first_human_reply_at, conversations.first_reply_at) as replied_at
    from conversations
    inner join identifiers
        on conversations.source_name = identifiers.source_name
        and identifiers.record_type = 'conversation_contact'
        and {{ ref_record_id('conversations.contact_ref_type', 'conversations.contact_ref') }} = identifiers.record_id
    inner join lost_people on identifiers.customer_id = lost_people.customer_id
),

last_talks as (
    select stays.customer_id, stays.stage_model, stays.valid_from, talks.opened_at, case when talks.replied_at <= stays.valid_from then talks.replied_at end as replied_at
    from stays
    inner join talks on stays.customer_id = talks.customer_id and talks.opened_at <= stays.valid_from
    qualify row_number() over (partition by stays.customer_id, stays.stage_model, stays.valid_from order by talks.opened_at desc, talks.replied_at) = 1
),

said as (
    select identifiers.customer_id, messages.direction, messages.sent_at, messages.message_id
    from messages
    inner join identifiers
        on messages.source_name = identifiers.source_name
        and identifiers.record_type = 'message_contact'
        and {{ ref_record_id('messages.contact_ref_type', 'messages.contact_ref') }} = identifiers.record_id
    inner join lost_people on identifiers.customer_id = lost_people.customer_id
),

last_words as (
    select
        stays.customer_id, stays.stage_model, stays.valid_from,
        max(case when said.direction = 'inbound' then said.sent_at end) as last_written_at,
        max_by(said.message_id, said.sent_at) filter (where said.direction = 'inbound') as last_message_id,
        max(case when said.direction = 'inbound' then null else said.sent_at end) as last_answered_at
    from stays
    inner join said on stays.customer_id = said.customer_id and said.sent_at <= stays.valid_from
    group by stays.customer_id, stays.stage_model, stays.valid_from
),

-- the last deal that was lost shortly before, and why
last_deals as (
    select stays.customer_id, stays.stage_model, stays.valid_from, deals.lost_reason
    from stays
    inner join identifiers on stays.customer_id = identifiers.customer_id and identifiers.record_type = 'crm_contact'
    inner join deals
        on identifiers.source_name = deals.source_name
        and identifiers.record_id = deals.contact_id
        and deals.closed_at <= stays.valid_from
        and {{ elapsed_days('deals.closed_at', 'stays.valid_from') }} <= {{ var('loss_evidence_days') }}
    qualify row_number() over (partition by stays.customer_id, stays.stage_model, stays.valid_from order by deals.closed_at desc, deals.lost_reason) = 1
),

losses as (
    select
        stays.customer_id, stays.stage_model, stays.valid_from as lost_at, stays.stage as lost_stage, stays.lost_reason,
        stays.previous_stage as stage_before, stays.previous_from as stage_before_from, stays.cause_event_id, marks.changed_by as lost_by,
        touch_points.first_touch_campaign as lead_campaign,
        {{ elapsed_days('last_talks.opened_at', 'last_talks.replied_at') }} * 1440 as first_reply_minutes,
        last_talks.opened_at is not null as has_talked,
        case when last_words.last_answered_at is null or last_words.last_answered_at < last_words.last_written_at then last_words.last_message_id end as unanswered_message_id,
        last_deals.lost_reason as deal_lost_reason
    from stays
    left join marks on stays.cause_event_id = marks.cause_event_id
    left join touch_points on stays.customer_id = touch_points.customer_id
    left join last_talks
        on stays.customer_id = last_talks.customer_id and stays.stage_model = last_talks.stage_model and stays.valid_from = last_talks.valid_from
    left join last_words
        on stays.customer_id = last_words.customer_id and stays.stage_model = last_words.stage_model and stays.valid_from = last_words.valid_from
    left join last_deals
        on stays.customer_id = last_deals.customer_id and stays.stage_model = last_deals.stage_model and stays.valid_from = last_deals.valid_from
),

bucketed as (
    select
        customer_id, stage_model, lost_at, lost_stage, lost_reason, stage_before, stage_before_from, cause_event_id, lost_by, lead_campaign,
        cast(first_reply_minutes as double) as first_reply_minutes,
        case
            when not has_talked then null
            when first_reply_minutes is null then 'no_reply'
            when first_reply_minutes <= 5 then 'within_5_minutes'
            when first_reply_minutes <= 60 then 'within_an_hour'
            when first_reply_minutes <= 1440 then 'within_a_day'
            else 'later'
        end as first_reply_bucket,
        unanswered_message_id, deal_lost_reason,
        coalesce({{ competitor_in('lost_reason') }}, {{ competitor_in('deal_lost_reason') }}) as competitor
    from losses
)

select * from bucketed
