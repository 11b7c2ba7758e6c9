-- One row per person, channel, purpose and brand: whether they may be contacted. Merging people never raises a permission.
with consents as (select * from {{ ref('consents') }}),

identity_map as (select * from {{ ref('identity_map') }}),

evidence as (select * from {{ ref('evidence') }} where usable_email is not null or usable_phone is not null),

borne as (
    select
        identity_map.customer_id, evidence.usable_email, evidence.usable_phone,
        case evidence.record_type when 'crm_contact' then 'contact_id:' when 'shop_customer' then 'customer_id:' else '' end || evidence.record_id as reference
    from evidence
    inner join identity_map
        on evidence.source_name = identity_map.source_name
        and evidence.record_type = identity_map.record_type
        and evidence.record_id = identity_map.record_id
),

bearers as (
    select customer_id, reference, 'email' as address_kind, 'email:' || usable_email as identifier from borne where usable_email is not null
    union all
    select customer_id, reference, 'phone', 'phone:' || usable_phone from borne where usable_phone is not null
),

referred as (
    select
        identity_map.customer_id, identity_map.record_id as reference,
        case when consents.contact_ref_type in ('email', 'phone') then consents.contact_ref_type else {{ address_kind('consents.channel') }} end as address_kind,
        consents.channel, consents.purpose, consents.brand, consents.status, consents.changed_at,
        consents.jurisdiction, consents.source_name, consents.evidence, consents.contact_ref
    from consents
    inner join identity_map
        on consents.source_name = identity_map.source_name
        and identity_map.record_type = 'message_contact'
        and {{ ref_record_id('consents.contact_ref_type', 'consents.contact_ref') }} = identity_map.record_id
),

-- a record with several addresses is meant itself: what it says of them all must not undo what was said of one
meant as (
    select customer_id, reference, address_kind, min(identifier) as identifier
    from bearers
    where customer_id in (select customer_id from referred)
    group by customer_id, reference, address_kind
    having min(identifier) = max(identifier)
),

-- a statement is about the address it names or its record bears, whichever tool took it down; else about its reference
stated as (
    select
        referred.customer_id, coalesce(meant.identifier, referred.source_name || ':' || referred.reference) as identifier,
        referred.channel, referred.purpose, referred.brand, referred.status, referred.changed_at,
        referred.jurisdiction, referred.source_name, referred.evidence, referred.contact_ref
    from referred
    left join meant
        on referred.customer_id = meant.customer_id
        and referred.reference = meant.reference
        and referred.address_kind = meant.address_kind
),

ranked as (
    select
        *,
        row_number() over (
            partition by customer_id, identifier, channel, purpose, brand
            order by changed_at desc, case status when 'granted' then 1 else 0 end, source_name, coalesce(evidence, ''), contact_ref
        ) as own_rank,
        row_number() over (
            partition by identifier, channel, purpose, brand
            order by changed_at desc, case status when 'granted' then 1 else 0 end, source_name, coalesce(evidence, ''), contact_ref
        ) as common_rank
    from stated
),

-- what was said last about each identifier: by the person, and a denial also by whoever else has that address
last_words as (
    select customer_id, channel, purpose, brand, status, changed_at, jurisdiction, source_name, evidence, contact_ref
    from ranked
    where own_rank = 1
    union all
    select
        bearers.customer_id, ranked.channel, ranked.purpose, ranked.brand, ranked.status, ranked.changed_at,
        ranked.jurisdiction, ranked.source_name, ranked.evidence, ranked.contact_ref
    from ranked
    inner join bearers on ranked.identifier = bearers.identifier and ranked.customer_id <> bearers.customer_id
    where ranked.common_rank = 1 and coalesce(ranked.status, '') <> 'granted'
),

folded as (
    select
        customer_id, channel, purpose, brand,
        case status when 'granted' then 'granted' else 'denied' end as status,
        changed_at, jurisdiction, source_name, evidence
    from last_words
    qualify row_number() over (
        partition by customer_id, channel, purpose, brand
        order by case status when 'granted' then 1 else 0 end, changed_at desc, source_name, coalesce(evidence, ''), contact_ref
    ) = 1
)

select * from folded
