-- One row per piece whose first name is known: its first letters, by which names that are written differently are still one.
with customers as (select source_name, customer_id, first_name from {{ ref('shop_customers') }} where first_name is not null),

contacts as (select source_name, contact_id, first_name from {{ ref('crm_contacts') }} where first_name is not null),

records as (select node, source_name, record_type, record_id from {{ ref('records') }}),

pieces as (select node, piece from {{ ref('strong_pieces') }}),

named as (
    select source_name, 'shop_customer' as record_type, customer_id as record_id, first_name from customers
    union all
    select source_name, 'crm_contact', contact_id, first_name from contacts
),

shortened as (
    select source_name, record_type, record_id, substr(lower(trim({{ nfc('first_name') }})), 1, {{ var('first_name_letters') }}) as first_name
    from named
),

per_piece as (
    select pieces.piece, min(shortened.first_name) as first_name
    from shortened
    inner join records
        on shortened.source_name = records.source_name and shortened.record_type = records.record_type and shortened.record_id = records.record_id
    inner join pieces on records.node = pieces.node
    where shortened.first_name <> ''
    group by pieces.piece
)

select * from per_piece
