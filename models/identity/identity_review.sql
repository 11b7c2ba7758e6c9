-- One row per thing that was held or dropped instead of joining people: what, why, and how many records it would have touched.
with evidence as (select * from {{ ref('evidence') }}),

common_identifiers as (select * from {{ ref('common_identifiers') }}),

held_links as (
    select reason, rule, evidence, held_by, piece, linked_piece, pieces_count, records_count from {{ ref('held_links') }}
    union all
    select 'held_apart', action, pin_id, 'apart', node, linked_node, 2, 2 from {{ ref('pinned_pairs') }} where action = 'unlink'
),

identity_map as (select * from {{ ref('identity_map') }}),

probable_pairs as (select pair_id, probability from {{ ref('probable_pairs') }}),

unusable as (
    select
        'email' as identifier_type, compared_email as identifier, {{ email_placeholder('compared_email') }} as is_placeholder,
        source_name || '|' || record_type || '|' || record_id as record_key
    from evidence
    where email is not null and usable_email is null
    union all
    select
        'phone', compared_phone, {{ phone_placeholder('compared_phone', "case when compared_phone like '+%' then compared_phone end") }},
        source_name || '|' || record_type || '|' || record_id
    from evidence
    where phone is not null and usable_phone is null
),

dropped as (
    select
        case when is_placeholder then 'placeholder' else 'unreadable' end as reason, identifier_type, identifier,
        count(distinct record_key) as records_count
    from unusable
    group by is_placeholder, identifier_type, identifier
    union all
    select 'too_common', identifier_type, identifier, records_count from common_identifiers
),

reviewed as (
    select
        reason, identifier_type, identifier, cast(null as {{ dbt.type_string() }}) as rule, cast(null as {{ dbt.type_string() }}) as held_by, records_count,
        cast(null as bigint) as customers_count,
        cast(null as {{ dbt.type_string() }}) as customer_id, cast(null as {{ dbt.type_string() }}) as other_customer_id,
        cast(null as double) as probability
    from dropped
    union all
    -- a piece is named by one of its records
    select
        held_links.reason, case held_links.rule when 'same_email' then 'email' when 'same_phone' then 'phone' when 'unlink' then 'pin' else held_links.rule end,
        held_links.evidence, held_links.rule, held_links.held_by, held_links.records_count, held_links.pieces_count,
        least(one.customer_id, other.customer_id), greatest(one.customer_id, other.customer_id),
        probable_pairs.probability
    from held_links
    inner join identity_map as one on held_links.piece = one.node
    inner join identity_map as other on held_links.linked_piece = other.node
    left join probable_pairs on held_links.rule = 'probabilistic' and held_links.evidence = probable_pairs.pair_id
),

keyed as (
    select
        md5(reason || '|' || identifier_type || '|' || coalesce(identifier, '') || '|' || coalesce(rule, '') || '|' || coalesce(held_by, '')) as review_id,
        reason, identifier_type, identifier, rule, held_by, cast(records_count as bigint) as records_count, customers_count,
        customer_id, other_customer_id, probability
    from reviewed
)

select * from keyed
