-- One row per record: the piece of a person that certain links make, and the one that strong links make of those.
with records as (select node from {{ ref('records') }}),

certain as (select * from {{ ref('certain_clusters') }}),

strong as (select * from {{ ref('strong_clusters') }}),

certain_pieces as (
    select records.node, coalesce(certain.component, records.node) as lower_piece
    from records
    left join certain on records.node = certain.node
),

wanted as (
    select certain_pieces.node, certain_pieces.lower_piece, coalesce(strong.component, certain_pieces.lower_piece) as wanted_piece
    from certain_pieces
    left join strong on certain_pieces.lower_piece = strong.node
),

guarded as ({{ guarded_pieces('wanted') }})

select * from guarded
