-- One row per source, person, channel, purpose, time and answer that Klaviyo knows: its profiles as they stand, and the events that tell the history.
with profiles as (
    {{ current_rows('profiles', key=['profile_id'], kind='klaviyo') }}
),

events as (
    {{ klaviyo_events() }}
),

metrics as (
    {{ current_rows('metrics', key=['metric_id'], kind='klaviyo') }}
),

states as (select * from {{ ref('klaviyo_states') }}),

{% set stands = [
    ('email', 'marketing', 'email', 'email_consent_changed_at', "coalesce(nullif(email_method_detail, ''), email_method)"),
    ('sms', 'marketing', 'sms', 'sms_consent_changed_at', "coalesce(nullif(sms_method_detail, ''), sms_method)"),
    ('sms', 'transactional', 'sms_transactional', 'sms_transactional_consent_changed_at', 'null'),
    ('push', 'marketing', 'push', 'null', 'null'),
    ('whatsapp', 'marketing', 'whatsapp', 'whatsapp_consent_changed_at', 'null'),
    ('whatsapp', 'transactional', 'whatsapp_transactional', 'whatsapp_transactional_consent_changed_at', 'null'),
] %}
standing as (
    {%- for channel, purpose, prefix, changed_at, evidence in stands %}
    select
        profile_id, '{{ channel }}' as channel, '{{ purpose }}' as purpose, {{ prefix }}_consent as state, {{ prefix }}_consent_at as stated_at,
        cast({{ changed_at }} as timestamp) as state_changed_at, cast({{ evidence }} as {{ dbt.type_string() }}) as evidence,
        created_at, updated_at, source_name, brand, loaded_at
    from profiles
    where {{ prefix }}_consent is not null
    {{- '\n    union all' if not loop.last }}
    {%- endfor %}
),

answered as (
    select
        profile_id, standing.channel, purpose, states.meaning as status,
        -- a permission counts from the earliest time known, a refusal from the latest
        case
            when states.meaning = 'granted' then coalesce(stated_at, state_changed_at, created_at, loaded_at)
            else coalesce(greatest(stated_at, state_changed_at), stated_at, state_changed_at, updated_at, loaded_at)
        end as changed_at,
        evidence, source_name, brand, loaded_at
    from standing
    inner join states on states.topic = 'consent' and states.vendor_state = standing.state
),

suppressed as (
    select
        profile_id, 'email' as channel, 'marketing' as purpose, 'denied' as status, suppressed_at as changed_at, 'suppression ' || suppression_reasons as evidence,
        source_name, brand, loaded_at
    from profiles
    where suppressed_at is not null
    union all
    -- an address that takes no mail takes no receipt either
    select profile_id, 'email', 'transactional', 'denied', undeliverable_at, 'suppression ' || suppression_reasons, source_name, brand, loaded_at
    from profiles
    where undeliverable_at is not null
),

-- what a message's recipient answers to it is an event of that message
changed as (
    select
        events.first_profile_id as profile_id, states.channel, 'marketing' as purpose,
        case when states.meaning = 'subscribed' then 'granted' else 'denied' end as status,
        events.occurred_at as changed_at, coalesce(nullif(events.method_detail, ''), events.method) as evidence,
        events.source_name, events.brand, events.loaded_at
    from events
    inner join metrics on events.source_name = metrics.source_name and events.metric_id = metrics.metric_id
    inner join states on states.topic = 'metric' and states.vendor_state = metrics.name
    where states.meaning = 'subscribed' or (states.meaning = 'unsubscribed' and events.first_send_id is null)
),

stated as (
    select * from answered
    union all
    select * from suppressed
    union all
    select * from changed
),

about_somebody as (
    select
        {{ klaviyo_ref('stated.channel', 'profiles') }} as contact_ref,
        {{ klaviyo_ref_type('stated.channel', 'profiles') }} as contact_ref_type,
        stated.channel, stated.purpose, stated.status, stated.changed_at, stated.evidence, stated.source_name, stated.brand, stated.loaded_at
    from stated
    inner join profiles on stated.source_name = profiles.source_name and stated.profile_id = profiles.profile_id
    -- a deletion takes a permission away, never a refusal
    where stated.status = 'denied' or not coalesce(profiles.is_deleted, false)
),

consents as (
    select
        contact_ref, contact_ref_type, channel, purpose, status, changed_at, cast(null as {{ dbt.type_string() }}) as jurisdiction,
        min(evidence) as evidence, source_name, brand, min(loaded_at) as loaded_at
    from about_somebody
    group by contact_ref, contact_ref_type, channel, purpose, status, changed_at, source_name, brand
)

select * from consents
