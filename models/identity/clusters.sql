{{ config(materialized='connected_components') }}
-- One row per linked record: `component` is the smallest node that can be reached from it. Records without a link are absent.
select node, linked_node from {{ ref('edges') }} where node <> linked_node
