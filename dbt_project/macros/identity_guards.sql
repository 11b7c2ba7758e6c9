{# How many of a thing one person may have, and what happens to a person that would have more. #}

{# A limit of `identity_limits` for the type of a row; `otherwise` for types that have none. #}
{% macro identity_limit(identifier_type, name, otherwise=1) %}
    case {{ identifier_type }}
    {%- for type, limits in var('identity_limits').items() %} when '{{ type }}' then {{ limits[name] }}{% endfor %} else {{ otherwise }} end
{% endmacro %}

{# From (node, lower_piece, wanted_piece): the wanted piece where it is a person as people are, else the lower one and why. A person with more
   e-mail addresses or numbers than the limit is several; so is one with two values of what a person has but one of. #}
{% macro guarded_pieces(wanted) %}
    with joined_pieces as (
        select wanted_piece from {{ wanted }} group by wanted_piece having min(lower_piece) <> max(lower_piece)
    ),

    held as (
        select distinct {{ wanted }}.wanted_piece, {{ wanted }}.lower_piece, identifiers.identifier_type, identifiers.identifier
        from {{ wanted }}
        inner join joined_pieces on {{ wanted }}.wanted_piece = joined_pieces.wanted_piece
        inner join {{ ref('identifiers') }} as identifiers on {{ wanted }}.node = identifiers.node
    ),

    exceeding as (
        select wanted_piece, identifier_type, count(distinct identifier) as identifiers_count
        from held
        group by wanted_piece, identifier_type
        having count(distinct identifier) > {{ identity_limit('identifier_type', 'per_person') }}
    ),

    -- what a system or somebody has made of records already stands, and is no reason to keep what belongs to it away
    counted as (
        select held.wanted_piece, held.identifier_type, held.lower_piece, count(*) as identifiers_count
        from held
        inner join exceeding on held.wanted_piece = exceeding.wanted_piece and held.identifier_type = exceeding.identifier_type
        group by held.wanted_piece, held.identifier_type, held.lower_piece
    ),

    made_by_joining as (
        select exceeding.wanted_piece, exceeding.identifier_type
        from exceeding
        inner join counted on exceeding.wanted_piece = counted.wanted_piece and exceeding.identifier_type = counted.identifier_type
        group by exceeding.wanted_piece, exceeding.identifier_type, exceeding.identifiers_count
        having exceeding.identifiers_count > max(counted.identifiers_count)
    ),

    verdicts as (
        select wanted_piece, min(identifier_type) as held_by from made_by_joining group by wanted_piece
    )

    select
        {{ wanted }}.node, {{ wanted }}.lower_piece, {{ wanted }}.wanted_piece,
        case when verdicts.held_by is null then {{ wanted }}.wanted_piece else {{ wanted }}.lower_piece end as piece,
        verdicts.held_by
    from {{ wanted }}
    left join verdicts on {{ wanted }}.wanted_piece = verdicts.wanted_piece
{% endmacro %}

{# The evidence, where an address that too many bear is null like every other that identifies nobody. #}
{% macro usable_evidence() %}
    select
        evidence.source_name, evidence.record_type, evidence.record_id, evidence.country,
        case when common_emails.identifier is null then evidence.usable_email end as usable_email,
        case when common_phones.identifier is null then evidence.usable_phone end as usable_phone,
        evidence.seen_at, evidence.loaded_at, evidence.used_at
    from {{ ref('evidence') }} as evidence
    left join {{ ref('common_identifiers') }} as common_emails
        on common_emails.identifier_type = 'email' and evidence.usable_email = common_emails.identifier
    left join {{ ref('common_identifiers') }} as common_phones
        on common_phones.identifier_type = 'phone' and evidence.usable_phone = common_phones.identifier
{% endmacro %}
