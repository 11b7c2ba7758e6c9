-- One row per CRM contact, or customer of another system, whose id is a shop's customer id, for the sources that share ids.
with sources as (select * from {{ ref('sources') }} where shares_ids_with is not null),

records as (select * from {{ ref('records') }}),

shared as (
    select contacts.node, customers.node as linked_node, contacts.record_id as evidence
    from sources
    inner join records as contacts
        on sources.source_name = contacts.source_name and contacts.record_type in ('crm_contact', 'shop_customer')
    inner join records as customers
        on sources.shares_ids_with = customers.source_name
        and customers.record_type = 'shop_customer'
        and contacts.record_id = customers.record_id
)

select * from shared
