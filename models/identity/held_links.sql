-- One row per rule and evidence that would have joined two people and was held: why, and which pieces it would have joined.
with edges as (select * from {{ ref('edges') }} where strength = 'strong'),

strong as (select * from {{ ref('strong_pieces') }} where held_by is not null),

weak as (select * from {{ ref('weak_pieces') }} where held_by is not null),

weak_links as (select * from {{ ref('weak_links') }}),

strong_ends as (
    select edges.rule, edges.evidence, strong.held_by, strong.piece, strong.wanted_piece, strong.node
    from edges
    inner join strong on edges.node = strong.node
    union
    select edges.rule, edges.evidence, strong.held_by, strong.piece, strong.wanted_piece, strong.node
    from edges
    inner join strong on edges.linked_node = strong.node
),

strong_held as (
    select rule, evidence, min(held_by) as held_by, min(piece) as piece, max(piece) as linked_piece, count(distinct piece) as pieces_count, count(*) as records_count
    from strong_ends
    group by rule, evidence
    having count(distinct piece) > 1
),

weak_held as (
    select
        weak_links.rule, weak_links.evidence, coalesce(weak_links.held_by, weak.held_by) as held_by,
        min(least(weak_links.piece, weak_links.linked_piece)) as piece,
        max(greatest(weak_links.piece, weak_links.linked_piece)) as linked_piece,
        count(distinct weak_links.piece) + 1 as pieces_count,
        sum(weak_links.bearers_count) + max(weak_links.linked_bearers_count) as records_count
    from weak_links
    left join (select distinct lower_piece, held_by from weak) as weak on weak_links.piece = weak.lower_piece
    where weak_links.held_by is not null or weak.held_by is not null
    group by weak_links.rule, weak_links.evidence, coalesce(weak_links.held_by, weak.held_by)
),

held as (
    select rule, evidence, held_by, piece, linked_piece, pieces_count, records_count from strong_held
    union all
    select rule, evidence, held_by, piece, linked_piece, pieces_count, records_count from weak_held
),

reasoned as (
    select
        case
            when held_by = 'bridge' then 'bridge'
            when held_by like 'apart:%' then 'held_apart'
            when held_by in ({{ quoted_list(var('identity_limits') | list) }}) then 'over_limit'
            else 'conflict'
        end as reason,
        rule, evidence, held_by, piece, linked_piece, pieces_count, records_count
    from held
)

select * from reasoned
