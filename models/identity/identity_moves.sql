-- One row per customer id that gives records to another one tonight: how many, and what made them move.
with identity_map as (select * from {{ ref('identity_map') }}),

edges as (select * from {{ ref('edges') }}),

held_links as (
    select reason, piece, linked_piece from {{ ref('held_links') }}
    union all
    select 'held_apart', node, linked_node from {{ ref('pinned_pairs') }} where action = 'unlink'
),

moves as (
    select previous_customer_id, customer_id, count(*) as records_count
    from identity_map
    where previous_customer_id <> customer_id
    group by previous_customer_id, customer_id
),

concerned as (
    select node, customer_id, previous_customer_id, source_name || '/' || record_type || '/' || record_id as record_key
    from identity_map
    where customer_id in (select customer_id from moves)
),

ends as (
    select one.previous_customer_id as one_id, other.previous_customer_id as other_id, one.customer_id,
        edges.rule || ': ' || least(one.record_key, other.record_key) || ' and ' || greatest(one.record_key, other.record_key) as cause
    from edges
    inner join concerned as one on edges.node = one.node
    inner join concerned as other on edges.linked_node = other.node and one.customer_id = other.customer_id
    where one.previous_customer_id is distinct from other.previous_customer_id
),

joining as (
    select customer_id, previous_customer_id, min(cause) as cause
    from (
        select customer_id, one_id as previous_customer_id, cause from ends
        union all
        select customer_id, other_id, cause from ends
    ) as both_ends
    where previous_customer_id is not null and previous_customer_id <> customer_id
    group by customer_id, previous_customer_id
),

-- rules link all who bear an address to one of them, and that one may be somebody else's: then the address itself tells
bearers as (
    select edges.rule, edges.evidence, concerned.customer_id, concerned.previous_customer_id, concerned.record_key
    from edges
    inner join concerned on edges.node = concerned.node
    where edges.strength <> 'certain'
    union
    select edges.rule, edges.evidence, concerned.customer_id, concerned.previous_customer_id, concerned.record_key
    from edges
    inner join concerned on edges.linked_node = concerned.node
    where edges.strength <> 'certain'
),

sharing as (
    select
        one.customer_id, one.previous_customer_id,
        min(one.rule || ': ' || least(one.record_key, other.record_key) || ' and ' || greatest(one.record_key, other.record_key)) as cause
    from bearers as one
    inner join bearers as other on one.rule = other.rule and one.evidence = other.evidence and one.customer_id = other.customer_id
    where one.previous_customer_id <> one.customer_id and one.previous_customer_id is distinct from other.previous_customer_id
    group by one.customer_id, one.previous_customer_id
),

survivors as (select distinct customer_id from identity_map),

-- the piece that a hold keeps from its other part is named by its first record
holding as (
    select concerned.customer_id, min(held_links.reason) as reason
    from held_links
    inner join concerned on concerned.node in (held_links.piece, held_links.linked_piece)
    group by concerned.customer_id
),

explained as (
    select
        moves.previous_customer_id, moves.customer_id, moves.records_count,
        case when survivors.customer_id is null then 'merge' else 'split' end as action,
        case
            when survivors.customer_id is null or joining.cause is not null or sharing.cause is not null
                then coalesce(joining.cause, sharing.cause, 'its records are another person''s')
            when holding.reason is not null then 'held: ' || holding.reason
            else 'no link is left'
        end as cause
    from moves
    left join survivors on moves.previous_customer_id = survivors.customer_id
    left join joining on moves.customer_id = joining.customer_id and moves.previous_customer_id = joining.previous_customer_id
    left join sharing on moves.customer_id = sharing.customer_id and moves.previous_customer_id = sharing.previous_customer_id
    left join holding on moves.customer_id = holding.customer_id
)

select * from explained
