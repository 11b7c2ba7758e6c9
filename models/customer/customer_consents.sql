-- One row per person, channel, purpose and brand: what they said last. At equal times a denial wins.
with consents as (select * from {{ ref('consents') }}),

identifiers as (select * from {{ ref('customer_identifiers') }} where record_type = 'message_contact'),

stated as (
    select
        identifiers.customer_id, consents.channel, consents.purpose, consents.brand, consents.status, consents.changed_at,
        consents.jurisdiction, consents.source_name, consents.evidence, consents.contact_ref
    from consents
    inner join identifiers
        on consents.source_name = identifiers.source_name
        and {{ ref_record_id('consents.contact_ref_type', 'consents.contact_ref') }} = identifiers.record_id
),

latest as (
    select customer_id, channel, purpose, brand, status, changed_at, jurisdiction, source_name, evidence
    from stated
    qualify row_number() over (
        partition by customer_id, channel, purpose, brand
        order by changed_at desc, case status when 'denied' then 0 else 1 end, source_name, coalesce(evidence, ''), contact_ref
    ) = 1
)

select * from latest
