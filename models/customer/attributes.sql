-- One row per person: name, country and address. The newest filled value wins; of equally new ones the CRM's, then by record.
with identity_map as (select * from {{ ref('identity_map') }}),

delivered as (
    select source_name, 'crm_contact' as record_type, contact_id as record_id, first_name, last_name, country, coalesce(updated_at, created_at) as stated_at
    from {{ ref('crm_contacts') }}
    union all
    select source_name, 'shop_customer', customer_id, first_name, last_name, country, coalesce(updated_at, created_at)
    from {{ ref('shop_customers') }}
),

stated as (
    select
        identity_map.customer_id, delivered.first_name, delivered.last_name, delivered.country,
        {{ newest_first('delivered.stated_at', 'delivered.record_type', 'delivered.source_name', 'delivered.record_id') }} as rank_key
    from delivered
    inner join identity_map
        on delivered.source_name = identity_map.source_name
        and delivered.record_type = identity_map.record_type
        and delivered.record_id = identity_map.record_id
),

named as (
    select
        customer_id,
        max_by(first_name, rank_key) filter (where first_name is not null) as first_name,
        max_by(last_name, rank_key) filter (where last_name is not null) as last_name,
        max_by(country, rank_key) filter (where country is not null) as country
    from stated
    group by customer_id
)

select * from named
