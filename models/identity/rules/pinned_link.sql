-- One row per pair of records that somebody has declared to be one person.
with pinned as (select * from {{ ref('pinned_pairs') }} where action = 'link')

select node, linked_node, pin_id as evidence from pinned
