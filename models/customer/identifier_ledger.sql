-- One row per merge or split: a customer id that ended in another one, or that gave part of its records to another one.
with journal as (
    select source_name, record_type, record_id, customer_id, assigned_at, snapshot_id from {{ ref('identity_journal') }}
    union all
    select source_name, record_type, record_id, customer_id, {{ as_of() }}, {{ snapshot_id() }} from {{ ref('identity_map') }} where is_new
),

moves as (
    select
        source_name, record_type, record_id, assigned_at as changed_at,
        customer_id as into_customer_id,
        lag(customer_id) over (partition by source_name, record_type, record_id order by snapshot_id) as customer_id
    from journal
),

-- an id still lives on while any record's latest assignment is to it
survivors as (select distinct customer_id from {{ ref('identity_map') }}),

changes as (
    select
        moves.changed_at,
        case when survivors.customer_id is null then 'merge' else 'split' end as action,
        moves.customer_id,
        moves.into_customer_id,
        min(moves.source_name || '/' || moves.record_type || '/' || moves.record_id) as cause
    from moves
    left join survivors on moves.customer_id = survivors.customer_id
    where moves.customer_id is not null and moves.customer_id <> moves.into_customer_id
    group by moves.changed_at, survivors.customer_id, moves.customer_id, moves.into_customer_id
)

select * from changes
