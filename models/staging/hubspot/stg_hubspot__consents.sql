-- One row per source and statement of consent in a HubSpot account: of a contact (its properties) or of an address (its subscriptions).
with changes as (
    {{ current_rows('contact_changes', key=['change_id'], kind='hubspot') }}
),

contacts as (
    {{ current_rows('contacts', key=['contact_id'], kind='hubspot') }}
),

statuses as (
    {{ current_rows('statuses', key=['address', 'subscription_id', 'channel'], kind='hubspot') }}
),

subscriptions as (
    {{ current_rows('subscriptions', key=['subscription_id'], kind='hubspot') }}
),

states as (select * from {{ ref('hubspot_states') }}),

-- a permission lasts as long as HubSpot has the person: nobody reads any more what became of it afterwards
living as (select * from contacts where not coalesce(is_deleted, false)),

addresses as (select distinct source_name, lower(trim(email)) as address from living),

-- the switch that ends all e-mail, and an address that bounces for good
refused as (
    select
        contact_id, changed_at, property, coalesce(source_label, source_type) as said_by, source_name, brand, loaded_at
    from changes
    where
        (property = 'hs_email_optout' and value = 'true')
        or (property = 'hs_email_hard_bounce_reason_enum' and value is not null)
),

-- the switch is on and its history does not say since when
refused_sometime as (
    select contacts.contact_id, contacts.updated_at, contacts.created_at, contacts.source_name, contacts.brand, contacts.loaded_at
    from contacts
    left join refused
        on
            contacts.source_name = refused.source_name
            and contacts.contact_id = refused.contact_id and refused.property = 'hs_email_optout'
    where contacts.email_opted_out and refused.contact_id is null
),

-- what may no longer be sent: to an address that bounces, nothing at all
ended as (
    select 'hs_email_optout' as property, 'marketing' as purpose
    union all
    select 'hs_email_hard_bounce_reason_enum', 'marketing'
    union all
    select 'hs_email_hard_bounce_reason_enum', 'transactional'
),

-- which of the account's subscriptions are about what; one that nobody named can only refuse
subscribed as (
    select
        statuses.address, coalesce(named.meaning, about.meaning, 'marketing') as purpose, said.meaning as status,
        coalesce(statuses.stated_at, statuses.loaded_at) as changed_at,
        coalesce(subscriptions.name || ': ', '') || coalesce(statuses.legal_basis, statuses.source, statuses.status) as evidence,
        statuses.source_name, statuses.brand, statuses.loaded_at
    from statuses
    inner join states as said on said.topic = 'subscription_status' and statuses.status = said.vendor_state
    left join subscriptions
        on statuses.source_name = subscriptions.source_name and statuses.subscription_id = subscriptions.subscription_id
    left join states as about on about.topic = 'subscription_purpose' and subscriptions.purpose = about.vendor_state
    left join states as named on named.topic = 'subscription_name' and subscriptions.name = named.vendor_state
    left join addresses on statuses.source_name = addresses.source_name and statuses.address = addresses.address
    where
        said.meaning = 'denied'
        or (coalesce(named.meaning, about.meaning) is not null and addresses.address is not null)
),

stated as (
    select
        refused.contact_id as contact_ref, 'contact_id' as contact_ref_type, 'email' as channel, ended.purpose, 'denied' as status, changed_at,
        said_by as evidence, source_name, brand, loaded_at
    from refused
    inner join ended on refused.property = ended.property
    union all
    select
        contact_id, 'contact_id', 'email', 'marketing', 'denied', coalesce(updated_at, created_at, loaded_at),
        'hs_email_optout', source_name, brand, loaded_at
    from refused_sometime
    union all
    -- properties of the account's own: consent_sms, consent_direct_mail …
    select
        changes.contact_id, 'contact_id', replace(changes.property, 'consent_', ''),
        case when changes.property = 'consent_ads' then 'ads' else 'marketing' end,
        coalesce(states.meaning, 'denied'), changes.changed_at,
        coalesce(changes.source_label, changes.source_type), changes.source_name, changes.brand, changes.loaded_at
    from changes
    left join states on states.topic = 'consent' and lower(changes.value) = states.vendor_state
    left join living on changes.source_name = living.source_name and changes.contact_id = living.contact_id
    where
        changes.property like 'consent%'
        and (living.contact_id is not null or coalesce(states.meaning, 'denied') = 'denied')
    union all
    select address, 'email', 'email', purpose, status, changed_at, evidence, source_name, brand, loaded_at
    from subscribed
    where purpose <> 'ignored'
),

consents as (
    select
        contact_ref,
        contact_ref_type,
        channel,
        purpose,
        status,
        changed_at,
        cast(null as {{ dbt.type_string() }}) as jurisdiction,
        evidence,
        source_name,
        brand,
        loaded_at
    from stated
)

select * from consents
