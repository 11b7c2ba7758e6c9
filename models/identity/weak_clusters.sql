{{ config(materialized='connected_components') }}
-- One row per strong piece that a weak link leads to another: `component` is the smallest piece it reaches.
select piece as node, linked_piece as linked_node from {{ ref('weak_links') }} where held_by is null
