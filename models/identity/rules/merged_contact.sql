-- One row per CRM contact that its CRM has merged into another one.
with contacts as (select * from {{ ref('crm_contacts') }}),

records as (select * from {{ ref('records') }} where record_type = 'crm_contact'),

merged as (
    select loser.node, winner.node as linked_node, contacts.merged_into_id as evidence
    from contacts
    inner join records as loser on contacts.source_name = loser.source_name and contacts.contact_id = loser.record_id
    inner join records as winner on contacts.source_name = winner.source_name and contacts.merged_into_id = winner.record_id
    where contacts.merged_into_id is not null and contacts.merged_into_id <> contacts.contact_id
)

select * from merged
