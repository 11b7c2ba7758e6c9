-- One row per record: the customer id it belongs to. is_new rows are what tonight adds to the identity journal.
with clustered as (select * from {{ ref('people_clusters') }}),

kept as (select * from {{ ref('kept_ids') }}),

spent as (select customer_id, count(*) as uses_count from {{ ref('identity_journal') }} group by customer_id),

-- a new person is named after the first record that was ever seen of it
founders as (
    select component, min_by(md5(source_name || '|' || record_type || '|' || record_id), founding_order) as founder_hash
    from (
        select *, row_number() over (partition by component order by first_seen_at, source_name, record_type, record_id) as founding_order
        from clustered
    ) as ordered
    where founding_order = 1
    group by component
),

minted as (
    -- an id that lives on in another part of a split person is never given twice
    select
        founders.component,
        case
            when spent.customer_id is null then founders.founder_hash
            else md5(founders.founder_hash || '|' || cast(spent.uses_count as {{ dbt.type_string() }}))
        end as customer_id
    from founders
    left join spent on founders.founder_hash = spent.customer_id
),

assigned as (
    select
        clustered.node, clustered.source_name, clustered.record_type, clustered.record_id, clustered.first_seen_at, clustered.is_reachable,
        clustered.previous_customer_id,
        coalesce(kept.customer_id, minted.customer_id) as customer_id
    from clustered
    left join kept on clustered.component = kept.component
    inner join minted on clustered.component = minted.component
),

judged as (
    select *, previous_customer_id is null or previous_customer_id <> customer_id as is_new
    from assigned
)

select * from judged
