-- One row per pair of records that a model holds for one person: both still there, and neither set aside by hand.
with probable_pairs as (select * from {{ ref('probable_pairs') }}),

records as (select * from {{ ref('records') }}),

set_aside as (select node from {{ ref('set_aside') }}),

-- the evidence is the pair itself: no two pairs are one reason, and a reason stays the same while its probability moves
linked as (
    select one.node, other.node as linked_node, probable_pairs.pair_id as evidence
    from probable_pairs
    inner join records as one
        on probable_pairs.source_name = one.source_name
        and probable_pairs.record_type = one.record_type
        and probable_pairs.record_id = one.record_id
    inner join records as other
        on probable_pairs.other_source_name = other.source_name
        and probable_pairs.other_record_type = other.record_type
        and probable_pairs.other_record_id = other.record_id
    where one.node not in (select node from set_aside) and other.node not in (select node from set_aside)
)

select * from linked
