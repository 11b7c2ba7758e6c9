{{ config(materialized='connected_components') }}
-- One row per record that a system links to another: `component` is the smallest node that can be reached by such links.
select node, linked_node from {{ ref('certain_edges') }} where node <> linked_node
