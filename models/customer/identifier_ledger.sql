-- One row per merge, split, hold or release: a customer id that ended in another one, gave it records, was held apart from it.
with journal as (
    select source_name, record_type, record_id, customer_id, assigned_at, snapshot_id, action, cause from {{ ref('identity_journal') }}
    union all
    select
        identity_map.source_name, identity_map.record_type, identity_map.record_id, identity_map.customer_id,
        {{ as_of() }}, {{ snapshot_id() }}, moves.action, moves.cause
    from {{ ref('identity_map') }} as identity_map
    left join {{ ref('identity_moves') }} as moves
        on identity_map.previous_customer_id = moves.previous_customer_id and identity_map.customer_id = moves.customer_id
    where identity_map.is_new
),

holds as (
    select changed_at, action, customer_id, other_customer_id, reason, rule from {{ ref('hold_journal') }}
    union all
    select {{ as_of() }}, action, customer_id, other_customer_id, reason, rule from {{ ref('hold_changes') }}
),

moves as (
    select
        source_name, record_type, record_id, assigned_at as changed_at, action, cause,
        customer_id as into_customer_id,
        lag(customer_id) over (partition by source_name, record_type, record_id order by snapshot_id) as customer_id
    from journal
),

changes as (
    select changed_at, min(action) as action, customer_id, into_customer_id, min(cause) as cause
    from moves
    where customer_id is not null and customer_id <> into_customer_id
    group by changed_at, customer_id, into_customer_id
    union all
    select changed_at, action, customer_id, other_customer_id, min(reason || ' (' || rule || ')')
    from holds
    group by changed_at, action, customer_id, other_customer_id
)

select * from changes
