-- One row per record that bears a name, as a model compares it with others; none where probabilistic links are off.
with sources as (select source_name from {{ ref('sources') }} where is_compared),

customers as (select * from {{ ref('shop_customers') }} where source_name in (select source_name from sources)),

contacts as (select * from {{ ref('crm_contacts') }} where source_name in (select source_name from sources)),

evidence as ({{ usable_evidence() }}),

records as (select * from {{ ref('records') }}),

pieces as (select node, piece from {{ ref('strong_pieces') }}),

named as (
    select
        source_name, 'shop_customer' as record_type, customer_id as record_id,
        first_name, last_name, cast(null as date) as birth_on, street, city, postcode
    from customers
    where first_name is not null or last_name is not null
    union all
    select source_name, 'crm_contact', contact_id, first_name, last_name, birth_on, street, city, postcode
    from contacts
    where first_name is not null or last_name is not null
),

-- addresses that stand for "none", or that too many bear, are nobody's
addresses as (
    select source_name, record_type, record_id, min(usable_email) as email, min(usable_phone) as phone
    from evidence
    where source_name in (select source_name from sources) and record_type in ('shop_customer', 'crm_contact')
    group by source_name, record_type, record_id
),

compared as (
    select
        records.node, pieces.piece, named.*,
        addresses.email, addresses.phone
    from named
    inner join records
        on named.source_name = records.source_name and named.record_type = records.record_type and named.record_id = records.record_id
    inner join pieces on records.node = pieces.node
    left join addresses
        on named.source_name = addresses.source_name and named.record_type = addresses.record_type and named.record_id = addresses.record_id
)

select * from compared
