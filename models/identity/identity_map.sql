-- One row per record: the customer id it belongs to. is_new rows are what tonight adds to the identity journal.
with clustered as (select * from {{ ref('people_clusters') }}),

kept as (select * from {{ ref('kept_ids') }}),

journal as (select * from {{ ref('identity_journal') }}),

-- a new person is named after the first record that was ever seen of it
founders as (
    select
        clustered.component, clustered.source_name, clustered.record_type, clustered.record_id,
        md5(clustered.source_name || '|' || clustered.record_type || '|' || clustered.record_id) as founder_hash
    from clustered
    left join kept on clustered.component = kept.component
    where kept.component is null
    qualify row_number() over (partition by clustered.component order by clustered.first_seen_at, clustered.source_name, clustered.record_type, clustered.record_id) = 1
),

spent as (
    select distinct journal.customer_id
    from journal
    inner join founders on journal.customer_id = founders.founder_hash
),

given as (
    select journal.source_name, journal.record_type, journal.record_id, count(*) as ids_count
    from journal
    inner join founders
        on journal.source_name = founders.source_name and journal.record_type = founders.record_type and journal.record_id = founders.record_id
    group by journal.source_name, journal.record_type, journal.record_id
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
    left join minted on clustered.component = minted.component
),

judged as (
    select *, previous_customer_id is null or previous_customer_id <> customer_id as is_new
    from assigned
)

select * from judged
