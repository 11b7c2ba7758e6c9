-- One row per hold and snapshot in which it began or ended.
with hold_journal as (
    select
        review_id,
        action,
        reason,
        rule,
        customer_id,
        other_customer_id,
        changed_at,
        snapshot_id
    from {{ source('journal', 'holds') }}
)

select * from hold_journal
