{% set sizeable = 'case when sizes.records_count >= ' ~ var('bridge_min_records') ~ ' then 1 else 0 end' %}
-- One row per weak identifier and piece that bears it: linked to the piece where it is borne most, and why that is held.
with pieces as (select node, piece from {{ ref('strong_pieces') }}),

edges as (select node, linked_node, rule, evidence from {{ ref('edges') }} where strength = 'weak'),

names as (select * from {{ ref('piece_names') }}),

-- of probable pairs the two first names themselves were compared, typing errors and all
pairs_of_one_name as (select 'probabilistic' as rule, pair_id as evidence from {{ ref('probable_pairs') }} where has_same_first_name),

touched as (
    select node, rule, evidence from edges
    union
    select linked_node, rule, evidence from edges
),

borne as (
    select touched.rule, touched.evidence, pieces.piece, count(*) as bearers_count
    from touched
    inner join pieces on touched.node = pieces.node
    group by touched.rule, touched.evidence, pieces.piece
),

shared as (
    select
        borne.*, names.first_name,
        pairs_of_one_name.evidence is null and min(names.first_name) over identifier <> max(names.first_name) over identifier as has_several_names
    from borne
    left join names on borne.piece = names.piece
    left join pairs_of_one_name on borne.rule = pairs_of_one_name.rule and borne.evidence = pairs_of_one_name.evidence
    window identifier as (partition by borne.rule, borne.evidence)
    qualify count(*) over identifier > 1
),

sizes as (
    select piece, count(*) as records_count
    from pieces
    where piece in (select piece from shared)
    group by piece
),

-- whoever shares a flat's number goes by another name: such a number joins people of one name, and nobody without one. A sizeable piece is
-- the centre before any other, so that two of them are looked at as a bridge and not joined by way of a small one
centred as (
    select
        shared.*,
        row_number() over everybody as place,
        row_number() over namesakes as place_by_name,
        first_value(shared.piece) over everybody as centre, first_value(bearers_count) over everybody as centre_bearers_count,
        first_value(shared.piece) over namesakes as centre_by_name, first_value(bearers_count) over namesakes as centre_by_name_bearers_count
    from shared
    inner join sizes on shared.piece = sizes.piece
    window
        everybody as (partition by rule, evidence order by {{ sizeable }} desc, bearers_count desc, shared.piece),
        namesakes as (partition by rule, evidence, first_name order by {{ sizeable }} desc, bearers_count desc, shared.piece)
),

linked as (
    select
        rule, evidence, piece, bearers_count,
        coalesce(has_several_names, false) and (first_name is null or place_by_name = 1) as is_of_others,
        case when coalesce(has_several_names, false) and first_name is not null and place_by_name > 1 then centre_by_name else centre end as linked_piece,
        case when coalesce(has_several_names, false) and first_name is not null and place_by_name > 1 then centre_by_name_bearers_count else centre_bearers_count end as linked_bearers_count
    from centred
    where place > 1
),

judged as (
    select
        linked.rule, linked.evidence, linked.piece, linked.linked_piece, linked.bearers_count, linked.linked_bearers_count,
        case
            when linked.is_of_others then 'first_name'
            -- a model's word is made of what the records bear, so it is no second reason beside it, nor is another pair of the same two pieces
            when count(case when linked.rule <> 'probabilistic' then 1 end) over two_pieces <= 1
                and max(greatest(linked.bearers_count, linked.linked_bearers_count)) over two_pieces = 1
                and least(sizes.records_count, linked_sizes.records_count) >= {{ var('bridge_min_records') }} then 'bridge'
        end as held_by
    from linked
    inner join sizes on linked.piece = sizes.piece
    inner join sizes as linked_sizes on linked.linked_piece = linked_sizes.piece
    window two_pieces as (partition by least(linked.piece, linked.linked_piece), greatest(linked.piece, linked.linked_piece))
)

select * from judged
