-- One row per record that somebody has set aside by hand, or that its system holds to be one with such a record.
with separations as (select node from {{ ref('pinned_pairs') }} where action = 'unlink'),

certain as (select * from {{ ref('certain_clusters') }}),

aside as (
    select node from separations
    union
    select one_piece.node
    from separations
    inner join certain on separations.node = certain.node
    inner join certain as one_piece on certain.component = one_piece.component
)

select * from aside
