-- One row per event of a person in a CRM: contact created, stage changed, deal opened and closed.
with contacts as (select * from {{ ref('crm_contacts') }}),

deals as (select * from {{ ref('crm_deals') }}),

stage_changes as (select * from {{ ref('crm_stage_changes') }}),

identifiers as (select * from {{ ref('customer_identifiers') }} where record_type = 'crm_contact'),

unowned as (
    select source_name, brand, contact_id, created_at as occurred_at, 'contact_created' as event_type, contact_id as source_id, null as amount
    from contacts
    where created_at is not null
    union all
    select source_name, brand, contact_id, changed_at, 'crm_stage_changed', change_id, null
    from stage_changes
    union all
    select source_name, brand, contact_id, created_at, 'deal_opened', deal_id, amount
    from deals
    union all
    select source_name, brand, contact_id, closed_at, 'deal_' || status, deal_id, amount
    from deals
    where closed_at is not null and status in ('won', 'lost')
),

events as (
    select
        identifiers.customer_id, unowned.occurred_at, unowned.event_type, null as channel, unowned.source_name, unowned.source_id,
        unowned.amount, unowned.brand
    from unowned
    inner join identifiers on unowned.source_name = identifiers.source_name and unowned.contact_id = identifiers.record_id
)

select * from events
