{# What a night has to look at to bring identity.message_contacts up to date. #}

{# What tells the table's rows apart from the data: the SQL of the whole, the views under it, and the sources that are treated apart. #}
{% macro contacts_definition() %}
    {%- if not execute or model.resource_type == 'unit_test' -%}{{ return('') }}{%- endif -%}
    {%- set replying = run_query("select source_name from (" ~ sources_with_replies() ~ ") as replying order by source_name").columns[0].values() | join(',') -%}
    {{- return(contacted() ~ view_definitions(['messages', 'message_events', 'stg_contract__messages', 'stg_contract__message_events']) ~ replying
        ~ ' ' ~ vendor_sources(['messages', 'message_events']) | join(',')) -}}
{% endmacro %}

{#
    touched: ids of the messages whose rows a night reads: the new ones, those that something new came of, those that leave a window or something
    of theirs does, and all of a reference of which a message was corrected (corrected). A few too many do no harm, so landed rows are
    asked whether they count or not, each table by its times alone.
#}
{% macro note_touched_messages(since) %}
    {%- set branches = [] -%}
    {%- for table, passed in [
        ('messages', left_or_came('sent_at', since.as_of)),
        ('message_events', "(occurred_at >= " ~ since.as_of ~ " or (event_type in ('opened', 'clicked', 'replied') and " ~ left_or_came('occurred_at', since.as_of) ~ "))"),
    ] -%}
        {%- for condition in ['loaded_at > ' ~ since.loaded_until, passed] -%}
            {%- do branches.append("select message_id from " ~ landed_rows(table) ~ " as landed where " ~ condition) -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- if create_scratch(scratch_of('corrected'), corrected_contacts(since)) > 0 -%}
        {%- do branches.append("select message_id from " ~ landed_rows('messages') ~ " as landed where contact_ref in (select contact_ref from " ~ scratch_of('corrected') ~ ")") -%}
    {%- endif -%}
    {%- do create_scratch(scratch_of('touched'), branches | join(" union ")) -%}
{% endmacro %}

{#
    The hook that reads these messages, and all that became of them, once for this table and for those that follow it: message_contacts__touched
    names them, message_contacts__messages and message_contacts__events hold what the input says of them. They are good for the night that wrote them.
#}
{% macro touched_messages_read() %}
    {%- if not state_goes_on() -%}{{ return("select 1") }}{%- endif -%}
    create or replace table {{ beside('touched') }} as select message_id from {{ scratch_of('touched') }};
    {%- for what, table, columns in [
        ('messages', 'messages', 'source_name, brand, message_id, contact_ref_type, contact_ref, channel, direction, campaign_id, automation_id, sent_at, loaded_at'),
        ('events', 'message_events', 'source_name, brand, event_id, message_id, event_type, is_machine, occurred_at, loaded_at'),
    ] %}
    create or replace table {{ beside(what) }} as
    select {{ columns }} from {{ ref(table) }} where message_id in (select message_id from {{ scratch_of('touched') }}){{ ';' if not loop.last }}
    {%- endfor %}
{% endmacro %}

{# The hook that notes the edition of the table for those that follow it. #}
{% macro contacts_noted() %}{{ return(adapter.dispatch('contacts_noted', 'perennial')()) }}{% endmacro %}

{% macro default__contacts_noted() %}
    {%- do state_written(beside('edition')) %}
    {{- return(state_edition()) }}
{% endmacro %}

{% macro spark__contacts_noted() %}{{ return("select 1") }}{% endmacro %}

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

{#
    The messages of some references, with what became of them, as {messages, events} to read instead of all. refs: a query of contact_ref, which is asked
    of landing alone; that finds a few too many. What vendors' staging makes is not among them.
#}
{% macro messages_of_refs(name, refs) %}
    {%- do create_scratch(name, "select message_id from " ~ landed_rows('messages') ~ " as landed where contact_ref in (" ~ refs ~ ")") -%}
    {%- set theirs = " where message_id in (select message_id from " ~ name ~ ") and source_name not in ('" ~ vendor_sources(['messages', 'message_events']) | join("', '") ~ "'))" -%}
    {{- return({'messages': "(select * from " ~ ref('messages') ~ theirs, 'events': "(select * from " ~ ref('message_events') ~ theirs}) -}}
{% endmacro %}

{# Whether a reference is one of a table of references. #}
{% macro is_contact_of(relation, contacts) -%}
    exists (
            select 1 from {{ contacts }} as contacts
            where contacts.source_name = {{ relation }}.source_name and contacts.contact_ref_type = {{ relation }}.contact_ref_type
            and contacts.contact_ref = {{ relation }}.contact_ref
        )
{%- endmacro %}
