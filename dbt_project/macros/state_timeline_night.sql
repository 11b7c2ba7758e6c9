{# What a night has to look at to bring customer.timeline_messages up to date. #}

{#
    moved: everybody who gained or lost a record since last night. corrected_messages, corrected_events: ids of which a version came, or
    whose message did. touched: what is told anew of all these, with what is new. Rows told before are cleared by the hook.
#}
{% macro note_touched_timeline(since) %}
    {%- do create_scratch(scratch_of('moved'), "select distinct unnest([was.customer_id, now.customer_id]) as customer_id from " ~ beside('owners') ~ " as was full join ("
        ~ timeline_owners_tonight() ~ ") as now on was.source_name = now.source_name and was.record_id = now.record_id where was.customer_id is distinct from now.customer_id") -%}
    {%- set changed = "load_id > " ~ since.load_id ~ " and (is_change or is_replacement)" -%}
    {%- set messages, events = landed_rows('messages') ~ " as messages", landed_rows('message_events') ~ " as events" -%}
    {%- set are_messages = create_scratch(scratch_of('corrected_messages'), "select distinct message_id from " ~ messages ~ " where " ~ changed) > 0 -%}
    {%- set are_events = create_scratch(scratch_of('corrected_events'), "select distinct event_id from " ~ events ~ " where " ~ changed) > 0 -%}
    {%- if are_messages -%}
        {%- do run_query("insert into " ~ scratch_of('corrected_events') ~ " select distinct event_id from " ~ events ~ " where message_id in (select message_id from " ~ scratch_of('corrected_messages') ~ ")") -%}
    {%- endif -%}
    {%- set known = "source_name not in ('" ~ vendor_sources(['messages', 'message_events']) | join("', '") ~ "')" -%}
    {%- set branches = [] -%}
    {%- for table, at, event_id, corrected, key in [
        ('messages', 'sent_at', 'cast(null as varchar)', 'corrected_messages', 'message_id'), ('message_events', 'occurred_at', 'event_id', 'corrected_events', 'event_id')
    ] -%}
        {%- set conditions = ["loaded_at > " ~ since.loaded_until, at ~ " >= " ~ since.as_of] -%}
        {%- if are_messages or (are_events and table == 'message_events') -%}{%- do conditions.append(key ~ " in (select " ~ key ~ " from " ~ scratch_of(corrected) ~ ")") -%}{%- endif -%}
        {%- for condition in conditions -%}
            {%- do branches.append("select source_name, message_id, " ~ event_id ~ " as event_id from " ~ ref(table) ~ " as " ~ table ~ " where " ~ known ~ " and " ~ condition) -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- do branches.append("select messages.source_name, messages.message_id, null from " ~ ref('messages') ~ " as messages where " ~ known ~ " and exists (select 1 from ("
        ~ timeline_owners_tonight() ~ ") as now where customer_id in (select customer_id from " ~ scratch_of('moved') ~ ") and now.source_name = messages.source_name and now.record_id = "
        ~ ref_record_id('messages.contact_ref_type', 'messages.contact_ref') ~ ")") -%}
    {%- do create_scratch(scratch_of('touched'), branches | join(" union ")) -%}
{% endmacro %}

{# The hook that takes away, before the night's rows come in, what they tell anew; nothing where the table is built whole. #}
{% macro timeline_cleared() %}
    {%- if not state_goes_on() -%}{{ return("select 1") }}{%- endif -%}
    {%- set vendors = vendor_sources(['messages', 'message_events']) -%}
    delete from {{ this }} where customer_id in (select customer_id from {{ scratch_of('moved') }});
    delete from {{ this }} where event_type in ('message_inbound', 'message_outbound') and source_id in (select message_id from {{ scratch_of('corrected_messages') }});
    delete from {{ this }} where event_type not in ('message_inbound', 'message_outbound') and source_id in (select event_id from {{ scratch_of('corrected_events') }})
    {%- if vendors %};
    delete from {{ this }} where source_name in ('{{ vendors | join("', '") }}'){% endif %}
{% endmacro %}

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
        select source_name, contact_ref_type, contact_ref from {{ ref('messages') }} where {{ came_late('sent_at', was) }}
        union
        select messages.source_name, messages.contact_ref_type, messages.contact_ref
        from {{ ref('messages') }} as messages
        inner join (select source_name, message_id from {{ ref('message_events') }} where {{ came_late('occurred_at', was) }}) as late
            on messages.source_name = late.source_name and messages.message_id = late.message_id
    ) as late
    inner join {{ ref('customer_identifiers') }} as identifiers
        on late.source_name = identifiers.source_name and identifiers.record_type = 'message_contact'
        and {{ ref_record_id('late.contact_ref_type', 'late.contact_ref') }} = identifiers.record_id
{% endmacro %}
