-- One row per pair of records that a rule links: why two records are one person, or why a link does not count.
with edges as (select * from {{ ref('edges') }}),

identity_map as (select * from {{ ref('identity_map') }}),

probable_pairs as (select pair_id, probability from {{ ref('probable_pairs') }}),

held as (select rule, evidence, min(reason) as reason from {{ ref('held_links') }} group by rule, evidence),

named as (
    select
        one.node, other.node as linked_node,
        one.customer_id, one.source_name, one.record_type, one.record_id,
        other.source_name as linked_source_name, other.record_type as linked_record_type, other.record_id as linked_record_id,
        other.customer_id as linked_customer_id,
        edges.rule, edges.strength, edges.evidence, probable_pairs.probability,
        case when one.customer_id <> other.customer_id then coalesce(held.reason, 'held_apart') end as held_reason
    from edges
    inner join identity_map as one on edges.node = one.node
    inner join identity_map as other on edges.linked_node = other.node
    left join probable_pairs on edges.rule = 'probabilistic' and edges.evidence = probable_pairs.pair_id
    left join held on edges.rule = held.rule and edges.evidence = held.evidence
),

-- rules link all who bear an address to one of them, and that one may be somebody else: those of one person are linked by it too
parted as (select distinct rule, evidence from named where held_reason is not null and strength <> 'certain'),

bearers as (
    select named.node, named.customer_id, named.source_name, named.record_type, named.record_id, named.rule, named.strength, named.evidence
    from named
    inner join parted on named.rule = parted.rule and named.evidence = parted.evidence
    union
    select named.linked_node, named.linked_customer_id, named.linked_source_name, named.linked_record_type, named.linked_record_id, named.rule, named.strength, named.evidence
    from named
    inner join parted on named.rule = parted.rule and named.evidence = parted.evidence
),

starred as (
    select
        *,
        first_value(node) over person as linked_node, first_value(source_name) over person as linked_source_name,
        first_value(record_type) over person as linked_record_type, first_value(record_id) over person as linked_record_id
    from bearers
    window person as (partition by rule, evidence, customer_id order by node)
),

linked as (
    select
        customer_id, source_name, record_type, record_id, linked_source_name, linked_record_type, linked_record_id, linked_customer_id,
        rule, strength, evidence, probability, held_reason
    from named
    union all
    select
        starred.customer_id, starred.source_name, starred.record_type, starred.record_id,
        starred.linked_source_name, starred.linked_record_type, starred.linked_record_id, starred.customer_id,
        starred.rule, starred.strength, starred.evidence, null, null
    from starred
    left join named
        on starred.node = named.node and starred.linked_node = named.linked_node
        and starred.rule = named.rule and starred.evidence = named.evidence
    where starred.node > starred.linked_node and named.node is null
)

select * from linked
