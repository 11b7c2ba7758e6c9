-- One row per record: the piece of a person that strong links make, and the person that weak links make of those.
with strong as (select * from {{ ref('strong_pieces') }}),

weak as (select * from {{ ref('weak_clusters') }}),

wanted as (
    select strong.node, strong.piece as lower_piece, coalesce(weak.component, strong.piece) as wanted_piece
    from strong
    left join weak on strong.piece = weak.node
),

guarded as ({{ guarded_pieces('wanted') }})

select * from guarded
