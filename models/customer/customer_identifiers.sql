-- One row per record of a source that belongs to a person.
with assignments as (select * from {{ ref('assignments') }}),

people as (select * from {{ ref('people') }}),

evidence as (select * from {{ ref('evidence') }}),

addresses as (
    select
        source_name, record_type, record_id,
        min_by(usable_email, seen_at) filter (where usable_email is not null) as email,
        min_by(usable_phone, seen_at) filter (where usable_phone is not null) as phone
    from evidence
    where usable_email is not null or usable_phone is not null
    group by source_name, record_type, record_id
),

identifiers as (
    select
        assignments.source_name, assignments.record_type, assignments.record_id, assignments.customer_id,
        addresses.email, addresses.phone, assignments.first_seen_at
    from assignments
    inner join people on assignments.customer_id = people.customer_id
    left join addresses
        on assignments.source_name = addresses.source_name
        and assignments.record_type = addresses.record_type
        and assignments.record_id = addresses.record_id
)

select * from identifiers
