{% set columns = ['first_name', 'last_name', 'country', 'birth_on', 'owner_id'] %}
-- One row per person: name, country, birth date and owner, each chosen among their records by its rule (vars.survivorship).
with identity_map as (select * from {{ ref('identity_map') }}),

delivered as (
    select
        source_name, 'crm_contact' as record_type, contact_id as record_id,
        first_name, last_name, country, birth_on, owner_id, coalesce(updated_at, created_at) as stated_at
    from {{ ref('crm_contacts') }}
    union all
    select source_name, 'shop_customer', customer_id, first_name, last_name, country, null, null, coalesce(updated_at, created_at)
    from {{ ref('shop_customers') }}
),

stated as (
    select
        identity_map.customer_id, delivered.source_name,
        delivered.first_name, delivered.last_name, delivered.country, delivered.birth_on, delivered.owner_id,
        {{ newest_first('delivered.stated_at', 'delivered.record_type', 'delivered.source_name', 'delivered.record_id') }} as newest_key
    from delivered
    inner join identity_map
        on delivered.source_name = identity_map.source_name
        and delivered.record_type = identity_map.record_type
        and delivered.record_id = identity_map.record_id
),

ranked as (
    select {{ same_words_counts(columns, 'customer_id') }} *
    from stated
),

named as (
    select
        customer_id
        {%- for column in columns %},
        {{ survivor(column, 'newest_key') }} as {{ column }}
        {%- endfor %}
    from ranked
    group by customer_id
)

select * from named
