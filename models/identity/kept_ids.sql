-- One row per person who was published before under some id: the id that stays.
-- A split leaves the id with the larger part; a merge keeps the oldest id. Ties fall by id, never by the order of the input.
with clustered as (select * from {{ ref('people_clusters') }} where previous_customer_id is not null),

births as (
    select customer_id, min(assigned_at) as born_at
    from {{ ref('identity_journal') }}
    group by customer_id
),

claims as (
    select component, previous_customer_id, count(*) as records_count, min(source_name || record_type || record_id) as first_record
    from clustered
    group by component, previous_customer_id
),

upheld as (
    select *
    from claims
    qualify row_number() over (partition by previous_customer_id order by records_count desc, first_record) = 1
),

kept as (
    select upheld.component, upheld.previous_customer_id as customer_id
    from upheld
    inner join births on upheld.previous_customer_id = births.customer_id
    qualify row_number() over (partition by upheld.component order by births.born_at, upheld.previous_customer_id) = 1
)

select * from kept
