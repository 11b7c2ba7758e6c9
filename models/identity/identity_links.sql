-- One row per pair of records that a rule links: why two records are one person, or why a link does not count.
with edges as (select * from {{ ref('edges') }}),

identity_map as (select * from {{ ref('identity_map') }}),

probable_pairs as (select pair_id, probability from {{ ref('probable_pairs') }}),

held as (select rule, evidence, min(reason) as reason from {{ ref('held_links') }} group by rule, evidence),

named as (
    select
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
)

select * from named
