-- One row per pair of records that a model holds for one person.
with probable_pairs as (
    select
        pair_id,
        source_name,
        record_type,
        record_id,
        other_source_name,
        other_record_type,
        other_record_id,
        probability,
        weight,
        has_same_first_name,
        record_hash,
        other_record_hash,
        made_with
    from {{ source('perennial', 'probable_pairs') }}
)

select * from probable_pairs
