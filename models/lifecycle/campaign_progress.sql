{% set model, days = var('sales_cycle_model'), var('slow_stage')['window_days'] %}
-- One row per month, campaign and channel: conversations opened, and how many of their people then got on to a later stage within the window.
with conversations as (select * from {{ ref('conversations') }}),

identifiers as (select * from {{ ref('customer_identifiers') }} where record_type = 'conversation_contact'),

stays as (select * from {{ ref('stage_history') }} where stage_model = '{{ model }}' and valid_from < {{ as_of() }}),

later_stages as (
    select from_stage, to_stage
    from {{ text_rows(later_stages(), 'pairs', ['stage_model', 'from_stage', 'to_stage']) }}
    where stage_model = '{{ model }}'
),

talks as (
    select
        conversations.source_name, conversations.conversation_id, identifiers.customer_id,
        coalesce(conversations.source_campaign, '(none)') as campaign, coalesce(conversations.channel, '(unknown)') as channel,
        conversations.opened_at, {{ local_date('conversations.opened_at') }} as opened_on
    from conversations
    left join identifiers
        on conversations.source_name = identifiers.source_name
        and {{ ref_record_id('conversations.contact_ref_type', 'conversations.contact_ref') }} = identifiers.record_id
),

-- the stage held when it was opened, what the opening itself brought included
held as (
    select talks.*, stays.stage
    from talks
    inner join stays
        on talks.customer_id = stays.customer_id
        and talks.opened_at >= stays.valid_from
        and (stays.valid_to is null or talks.opened_at < stays.valid_to)
    where stays.stage in (select from_stage from later_stages)
),

reached as (
    select held.source_name, held.conversation_id, min({{ days_between('held.opened_on', local_date('stays.valid_from')) }}) as took_days
    from held
    inner join later_stages on held.stage = later_stages.from_stage
    inner join stays
        on held.customer_id = stays.customer_id
        and later_stages.to_stage = stays.stage
        and stays.valid_from > held.opened_at
    group by held.source_name, held.conversation_id
),

judged as (
    select
        {{ period_start('talks.opened_on', 'month') }} as month, talks.campaign, talks.channel,
        held.stage is not null as has_later,
        {{ days_between('talks.opened_on', local_date(as_of())) }} > {{ days }} as is_over,
        coalesce(reached.took_days <= {{ days }}, false) as is_advanced
    from talks
    left join held on talks.source_name = held.source_name and talks.conversation_id = held.conversation_id
    left join reached on talks.source_name = reached.source_name and talks.conversation_id = reached.conversation_id
),

counts as (
    select
        month, campaign, channel, count(*) as conversations_count,
        count(case when has_later then 1 end) as with_later_stage_count,
        count(case when has_later and is_over then 1 end) as closed_count,
        count(case when has_later and is_over and is_advanced then 1 end) as advanced_count
    from judged
    group by month, campaign, channel
),

campaign_progress as (
    select
        month, campaign, channel, {{ days }} as within_days, conversations_count, with_later_stage_count, closed_count, advanced_count,
        {{ ratio('advanced_count', 'closed_count') }} as advance_rate,
        {{ days_after(next_period_start('month', 'month'), days) }} <= {{ local_date(as_of()) }} as is_closed
    from counts
)

select * from campaign_progress
