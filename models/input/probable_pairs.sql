-- One row per pair of records that a model holds for one person.
with probable_pairs as (select * from {{ ref('stg_perennial__probable_pairs') }})

select * from probable_pairs
