-- One row per person who was published before under some id: the id that stays.
-- A split leaves the id with the larger part; a merge keeps the oldest id. Ties fall by id, never by the order of the input.
with clustered as (select * from {{ ref('people_clusters') }} where previous_customer_id is not null),

journal as (select * from {{ ref('identity_journal') }}),

claims as (select distinct component, previous_customer_id from clustered),

-- few people are split or merged in a night: only their claims are weighed
split_ids as (select previous_customer_id from claims group by previous_customer_id having count(*) > 1),

parts as (
    select
        clustered.component, clustered.previous_customer_id, count(*) as records_count,
        min(clustered.source_name || clustered.record_type || clustered.record_id) as first_record
    from clustered
    inner join split_ids on clustered.previous_customer_id = split_ids.previous_customer_id
    group by clustered.component, clustered.previous_customer_id
),

largest_parts as (
    select component, previous_customer_id
    from parts
    qualify row_number() over (partition by previous_customer_id order by records_count desc, first_record) = 1
),

upheld as (
    select claims.component, claims.previous_customer_id
    from claims
    left join split_ids on claims.previous_customer_id = split_ids.previous_customer_id
    where split_ids.previous_customer_id is null
    union all
    select component, previous_customer_id from largest_parts
),

merged as (select component from upheld group by component having count(*) > 1),

born as (
    select upheld.component, upheld.previous_customer_id, min(journal.assigned_at) as born_at
    from upheld
    inner join merged on upheld.component = merged.component
    inner join journal on upheld.previous_customer_id = journal.customer_id
    group by upheld.component, upheld.previous_customer_id
),

oldest as (
    select component, previous_customer_id
    from born
    qualify row_number() over (partition by component order by born_at, previous_customer_id) = 1
),

kept as (
    select upheld.component, upheld.previous_customer_id as customer_id
    from upheld
    left join merged on upheld.component = merged.component
    where merged.component is null
    union all
    select component, previous_customer_id from oldest
)

select * from kept
