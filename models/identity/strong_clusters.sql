{{ config(materialized='connected_components') }}
-- One row per certain piece that shares a strong identifier with another: `component` is the smallest piece it reaches.
with pieces as (select * from {{ ref('certain_clusters') }}),

edges as (select node, linked_node from {{ ref('edges') }} where strength = 'strong'),

lifted as (
    select coalesce(one.component, edges.node) as node, coalesce(other.component, edges.linked_node) as linked_node
    from edges
    left join pieces as one on edges.node = one.node
    left join pieces as other on edges.linked_node = other.node
)

select node, linked_node from lifted where node <> linked_node
