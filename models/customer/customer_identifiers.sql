-- One row per record of a source that belongs to a person.
with identity_map as (select * from {{ ref('identity_map') }}),

people as (select * from {{ ref('people') }}),

evidence as ({{ usable_evidence() }}),

addresses as (
    select
        source_name, record_type, record_id,
        min_by(usable_email, (coalesce(seen_at, loaded_at), usable_email)) filter (where usable_email is not null) as email,
        min_by(usable_phone, (coalesce(seen_at, loaded_at), usable_phone)) filter (where usable_phone is not null) as phone
    from evidence
    where usable_email is not null or usable_phone is not null
    group by source_name, record_type, record_id
),

identifiers as (
    select
        identity_map.source_name, identity_map.record_type, identity_map.record_id, identity_map.customer_id,
        addresses.email, addresses.phone, identity_map.first_seen_at
    from identity_map
    inner join people on identity_map.customer_id = people.customer_id
    left join addresses
        on identity_map.source_name = addresses.source_name
        and identity_map.record_type = addresses.record_type
        and identity_map.record_id = addresses.record_id
)

select * from identifiers
