{# How the checks of kept tables draw their samples and tell what they find. #}

{# A share of rows for a check (var checked_share), others with each snapshot. Engines may hash as they like: the hash only draws. #}
{% macro is_drawn(column) -%}
    abs(hash({{ column }}, {{ snapshot_id() }}) % 1000003) < {{ (var('checked_share') * 1000003) | round(0, 'ceil') | int }}
{%- endmacro %}

{# The rows that stand in one of two relations only; how often a row stands there counts too. #}
{% macro on_one_side(kept, anew) %}
    select 'kept' as side, * from (select * from {{ kept }} except all select * from {{ anew }}) as only_kept
    union all
    select 'anew' as side, * from (select * from {{ anew }} except all select * from {{ kept }}) as only_anew
{% endmacro %}

{# The check of a table that follows another one: what its macro makes of a share of all people, or of what `drawn_by` names, beside what is kept. #}
{% macro check_following(table, anew, drawn_by='customer_id') %}
    {%- if state_was(table) is none %}
    select 1 as nothing where 1 = 0
    {%- else %}
    with anew as ({{ anew }}),

    kept as (select * from {{ table }} where {{ is_drawn(drawn_by) }})

    {{ on_one_side('kept', 'anew') }}
    {%- endif %}
{% endmacro %}

{#
    Whom the check rebuilds: a share of all references, kept or not (var checked_share), drawn anew with each snapshot, and everyone with a
    row that came late. Engines may hash as they like: the hash only draws.
#}
{% macro sampled_contacts(was) %}
    select source_name, contact_ref_type, contact_ref from {{ ref('message_contacts') }} where {{ is_drawn('contact_ref') }}
    union
    select source_name, contact_ref_type, contact_ref
    from {{ landed_rows('messages') }} as landed
    where contact_ref is not null and contact_ref_type is not null and {{ is_drawn('contact_ref') }}
    union
    {{ late_contacts(was) }}
{% endmacro %}

{# The references of messages that came late, or something of which did. Landing is asked, which knows by each file what may have come since; rows that do not count do no harm. #}
{% macro late_contacts(was) %}
    select source_name, contact_ref_type, contact_ref
    from {{ landed_rows('messages') }} as landed
    where contact_ref is not null and contact_ref_type is not null and {{ came_late('sent_at', was) }}
    union
    select source_name, contact_ref_type, contact_ref
    from {{ landed_rows('messages') }} as landed
    where contact_ref is not null and contact_ref_type is not null
        and message_id in (select message_id from {{ landed_rows('message_events') }} as landed where {{ came_late('occurred_at', was) }})
{% endmacro %}

{# Landed since, and dated before what the table then looked up to. #}
{% macro came_late(at, was) -%}
    loaded_at > {{ was.loaded_until }} and {{ at }} < {{ was.as_of }}
{%- endmacro %}

{#
    Whose messages the check tells anew: a share of all people, told of or not (var checked_share), drawn anew with each snapshot, and everyone
    with a row that came late. Engines may hash as they like: the hash only draws.
#}
{% macro sampled_customers(was) %}
    select customer_id from {{ ref('customer_identifiers') }} where {{ is_drawn('customer_id') }}
    union
    select customer_id from {{ ref('timeline_messages') }} where {{ is_drawn('customer_id') }}
    union
    select identifiers.customer_id
    from (
        {{ late_contacts(was) }}
    ) as late
    inner join {{ ref('customer_identifiers') }} as identifiers
        on late.source_name = identifiers.source_name and identifiers.record_type = 'message_contact'
        and {{ ref_record_id('late.contact_ref_type', 'late.contact_ref') }} = identifiers.record_id
{% endmacro %}
