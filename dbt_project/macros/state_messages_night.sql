{# What a night has to look at to bring identity.message_contacts up to date. #}

{# What tells the table's rows apart from the data: the SQL of the whole, the views under it, and the sources that are treated apart. #}
{% macro contacts_definition() %}
    {%- if not execute or model.resource_type == 'unit_test' -%}{{ return('') }}{%- endif -%}
    {%- set replying = run_query("select source_name from (" ~ sources_with_replies() ~ ") as replying order by source_name").columns[0].values() | join(',') -%}
    {{- return(contacted() ~ view_definitions(['messages', 'message_events', 'stg_contract__messages', 'stg_contract__message_events']) ~ replying
        ~ ' ' ~ vendor_sources(['messages', 'message_events']) | join(',')) -}}
{% endmacro %}

{#
    The messages whose figures a night may change without correcting any: the new ones, those that something new came of, and those that
    leave a window, or something of theirs does. A few too many do no harm.
#}
{% macro touched_messages(since) %}
    {%- set branches = [] -%}
    {%- for table, at, kinds in [('messages', 'sent_at', none), ('message_events', 'occurred_at', "event_type in ('opened', 'clicked', 'replied')")] -%}
        {%- for condition in ['loaded_at > ' ~ since.loaded_until, left_or_came(at, since.as_of)] -%}
            {%- do branches.append("select source_name, message_id from " ~ ref(table) ~ " as " ~ table ~ " where " ~ (kinds ~ " and " if kinds else "") ~ condition) -%}
        {%- endfor -%}
    {%- endfor -%}
    {{- return(branches | join(" union ")) -}}
{% endmacro %}

{#
    The references of messages that were corrected, or an event of which was: of every version, for one may have left the old one. That reads all
    keys; a glance at the new files says whether there is a correction at all. A few too many do no harm here either.
#}
{% macro corrected_contacts(since) %}
    {%- set changed = "load_id > " ~ since.load_id ~ " and (is_change or is_replacement)" -%}
    {%- set messages, events = landed_rows('messages') ~ " as messages", landed_rows('message_events') ~ " as events" -%}
    {%- set ids = ["select message_id from " ~ messages ~ " where " ~ changed] -%}
    {%- set are_any = components_count(messages ~ " where " ~ changed) > 0 -%}
    {%- if components_count(events ~ " where " ~ changed) > 0 -%}
        {%- set are_any = true -%}
        {%- do ids.append("select message_id from " ~ events ~ " where event_id in (select event_id from " ~ events ~ " where " ~ changed ~ ")") -%}
    {%- endif -%}
    {{- return(
        "select distinct source_name, contact_ref_type, contact_ref from " ~ messages
        ~ (" where message_id in (" ~ ids | join(" union all ") ~ ")" if are_any else " where 1 = 0")
    ) -}}
{% endmacro %}

{# The ids of all messages of such references. #}
{% macro ids_of_contacts(contacts) %}
    {{- return("select distinct message_id from " ~ landed_rows('messages') ~ " as messages where contact_ref in (select contact_ref from " ~ contacts ~ ")") -}}
{% endmacro %}

{# Whether a reference is one of a table of references. #}
{% macro is_contact_of(relation, contacts) -%}
    exists (
            select 1 from {{ contacts }} as contacts
            where contacts.source_name = {{ relation }}.source_name and contacts.contact_ref_type = {{ relation }}.contact_ref_type
            and contacts.contact_ref = {{ relation }}.contact_ref
        )
{%- endmacro %}

{#
    Whom the check rebuilds: a share of all references, kept or not (var checked_share), drawn anew with each snapshot, and everyone with a
    row that came late. Engines may hash as they like: the hash only draws.
#}
{% macro sampled_contacts(was) %}
    select source_name, contact_ref_type, contact_ref from {{ ref('message_contacts') }} where {{ is_drawn('contact_ref') }}
    union
    select source_name, contact_ref_type, contact_ref
    from {{ ref('messages') }}
    where contact_ref is not null and contact_ref_type is not null and {{ is_drawn('contact_ref') }}
    union
    select messages.source_name, messages.contact_ref_type, messages.contact_ref
    from {{ ref('messages') }} as messages
    where contact_ref is not null and contact_ref_type is not null and {{ came_late('sent_at', was) }}
    union
    select messages.source_name, messages.contact_ref_type, messages.contact_ref
    from {{ ref('messages') }} as messages
    where contact_ref is not null and contact_ref_type is not null
        and exists (
            select 1 from (select source_name, message_id from {{ ref('message_events') }} where {{ came_late('occurred_at', was) }}) as late
            where late.source_name = messages.source_name and late.message_id = messages.message_id
        )
{% endmacro %}

{# Landed since, and dated before what the table then looked up to. #}
{% macro came_late(at, was) -%}
    loaded_at > {{ was.loaded_until }} and {{ at }} < {{ was.as_of }}
{%- endmacro %}
