{# What a night has to look at to bring customer.timeline_messages up to date. #}

{#
    moved: everybody who gained or lost a record since last night; not who gained one of which no message was known then. Whether
    there are any is returned. corrected: messages and events of which a version came, and all events of such messages, of tonight or of before.
    All are told anew; the hook takes away what was told of them.
#}
{% macro note_touched_timeline(since) %}
    {%- set contacts = ref('message_contacts') -%}
    {%- do create_scratch(scratch_of('moved_records'), "select was.customer_id as was_customer_id, now.customer_id from " ~ beside('owners') ~ " as was full join ("
        ~ timeline_owners_tonight() ~ ") as now using (source_name, record_id) where was.customer_id is distinct from now.customer_id and not (was.customer_id is null"
        ~ " and exists (select 1 from " ~ contacts ~ " as contacts where contacts.source_name = now.source_name and contacts.first_loaded_at > " ~ since.loaded_until
        ~ " and " ~ ref_record_id('contacts.contact_ref_type', 'contacts.contact_ref') ~ " = now.record_id))") -%}
    {%- set are_moved = create_scratch(scratch_of('moved'), "select was_customer_id as customer_id from " ~ scratch_of('moved_records')
        ~ " where was_customer_id is not null union select customer_id from " ~ scratch_of('moved_records') ~ " where customer_id is not null") > 0 -%}
    {%- set changed = "loaded_at > " ~ since.loaded_until ~ " and (is_change or is_replacement) and not is_superseded" -%}
    {%- do create_scratch(scratch_of('corrected'), "select distinct source_name, message_id as source_id, true as is_message from " ~ landed_rows('messages') ~ " as landed where " ~ changed
        ~ " union select source_name, event_id, false from " ~ landed_rows('message_events') ~ " as landed where " ~ changed) -%}
    {%- do run_query("insert into " ~ scratch_of('corrected') ~ " select source_name, event_id, false from " ~ beside('events', contacts) ~ " as events where "
        ~ is_corrected('events.source_name', 'events.message_id', 'true')) -%}
    {{- return(are_moved) -}}
{% endmacro %}

{# All messages of some people, told from the messages of their references alone. people: a table of customer_id. #}
{% macro told_messages_of(people) %}
    {%- set theirs = messages_of_refs(people ~ '_messages', "select substr(record_id, strpos(record_id, ':') + 1) from (" ~ timeline_owners_tonight()
        ~ ") as owners where customer_id in (select customer_id from " ~ people ~ ")") -%}
    {{- return(told_messages(whose="customer_id in (select customer_id from " ~ people ~ ")", messages=theirs.messages, events=theirs.events)) -}}
{% endmacro %}

{# What a night tells of the rows that message_contacts read: new ones, those whose time has come, and corrected ones. #}
{% macro timeline_news(since) %}
    {{- return({
        'messages': "(messages.loaded_at > " ~ since.loaded_until ~ " or messages.sent_at >= " ~ since.as_of
            ~ " or " ~ is_corrected('messages.source_name', 'messages.message_id', 'true') ~ ")",
        'events': "(message_events.loaded_at > " ~ since.loaded_until ~ " or message_events.occurred_at >= " ~ since.as_of
            ~ " or " ~ is_corrected('message_events.source_name', 'message_events.event_id', 'false') ~ ")",
    }) -}}
{% endmacro %}

{% macro is_corrected(source_name, source_id, is_message) -%}
    {{- return("exists (select 1 from " ~ scratch_of('corrected') ~ " as corrected where corrected.source_name = " ~ source_name
        ~ " and corrected.source_id = " ~ source_id ~ " and corrected.is_message = (" ~ is_message ~ "))") -}}
{%- endmacro %}

{# The hook that takes away, before the night's rows come in, what they tell anew; nothing where the table is built whole. #}
{% macro timeline_cleared() %}
    {%- if not state_goes_on() -%}{{ return("select 1") }}{%- endif -%}
    {%- set vendors = vendor_sources(['messages', 'message_events']) -%}
    delete from {{ this }} where customer_id in (select customer_id from {{ scratch_of('moved') }});
    delete from {{ this }} as told where source_id in (select source_id from {{ scratch_of('corrected') }})
        and {{ is_corrected('told.source_name', 'told.source_id', "told.event_type in ('message_inbound', 'message_outbound')") }}
    {%- if vendors %};
    delete from {{ this }} where source_name in ('{{ vendors | join("', '") }}'){% endif %}
{% endmacro %}
