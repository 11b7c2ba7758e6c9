-- One row per customer id that is no longer anybody's: the id that its first record bears now, of those it had when it ended.
with journal as (select * from {{ ref('identity_journal') }}),

identity_map as (select * from {{ ref('identity_map') }}),

living as (select distinct customer_id from identity_map),

ended as (
    select journal.customer_id, journal.source_name, journal.record_type, journal.record_id, journal.snapshot_id, journal.assigned_at
    from journal
    left join living on journal.customer_id = living.customer_id
    where living.customer_id is null
),

-- how a record left an id: by what it was given next
departures as (
    select
        ended.customer_id, ended.source_name, ended.record_type, ended.record_id, ended.snapshot_id, ended.assigned_at,
        min_by(coalesce(later.action, ''), later.snapshot_id) as left_by
    from ended
    left join journal as later
        on ended.source_name = later.source_name and ended.record_type = later.record_type and ended.record_id = later.record_id
        and ended.snapshot_id < later.snapshot_id
    group by ended.customer_id, ended.source_name, ended.record_type, ended.record_id, ended.snapshot_id, ended.assigned_at
),

-- a record that its source no longer holds cannot say where its person is, nor can one that was split off while the id lived on
followed as (
    select departures.customer_id, identity_map.customer_id as into_customer_id, departures.assigned_at as given_at
    from departures
    left join identity_map
        on departures.source_name = identity_map.source_name
        and departures.record_type = identity_map.record_type
        and departures.record_id = identity_map.record_id
        and coalesce(departures.left_by, '') <> 'split'
    qualify row_number() over (
        partition by departures.customer_id
        order by case when identity_map.customer_id is null then 1 else 0 end, departures.snapshot_id, departures.source_name, departures.record_type, departures.record_id
    ) = 1
)

select customer_id, into_customer_id, given_at from followed
