-- One row per record: the customer id it belongs to. is_new rows are what tonight adds to the identity journal.
with clustered as (select * from {{ ref('people_clusters') }}),

kept as (select * from {{ ref('kept_ids') }}),

journal as (select * from {{ ref('identity_journal') }}),

spent as (select distinct customer_id from journal),

given as (select source_name, record_type, record_id, count(*) as ids_count from journal group by source_name, record_type, record_id),

-- a new person is named after the first record that was ever seen of it
founders as (
    select component, source_name, record_type, record_id, md5(source_name || '|' || record_type || '|' || record_id) as founder_hash
    from clustered
    qualify row_number() over (partition by component order by first_seen_at, source_name, record_type, record_id) = 1
),

minted as (
    -- no id is ever given twice, for it may live on in another part of a split person: a record has been given more ids each time it is
    -- the first one of somebody new again
    select
        founders.component,
        case
            when spent.customer_id is null then founders.founder_hash
            else md5(founders.founder_hash || '#' || cast(given.ids_count as {{ dbt.type_string() }}))
        end as customer_id
    from founders
    left join spent on founders.founder_hash = spent.customer_id
    left join given
        on founders.source_name = given.source_name and founders.record_type = given.record_type and founders.record_id = given.record_id
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
