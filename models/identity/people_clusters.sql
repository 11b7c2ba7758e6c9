-- One row per record: the person (component) it belongs to, and the customer id it had when last published.
with records as (select * from {{ ref('records') }}),

pieces as (select * from {{ ref('weak_pieces') }}),

journal as (select * from {{ ref('identity_journal') }}),

last_known as (
    select source_name, record_type, record_id, max_by(customer_id, snapshot_id) as customer_id
    from journal
    group by source_name, record_type, record_id
),

clustered as (
    select
        records.node, records.source_name, records.record_type, records.record_id, records.first_seen_at, records.is_reachable,
        pieces.piece as component,
        last_known.customer_id as previous_customer_id
    from records
    inner join pieces on records.node = pieces.node
    left join last_known
        on records.source_name = last_known.source_name
        and records.record_type = last_known.record_type
        and records.record_id = last_known.record_id
)

select * from clustered
