{# What customer.campaign_clicks is made of, written once for the whole table, for a night's messages, and for the check. #}

{# One row per click of a human on a message of a campaign. condition: which, on source_name and message_id; messages, events: tables of some of the input's rows. #}
{% macro clicks_on_campaigns(condition=none, messages=none, events=none) %}
    with messages as (
        select
            source_name, message_id, channel,
            {{ ref_record_id('contact_ref_type', 'contact_ref') }} as record_id,
            coalesce(campaign_id, automation_id) as campaign
        from {{ messages or ref('messages') }}
        where contact_ref is not null and contact_ref_type is not null and coalesce(campaign_id, automation_id) is not null
        {%- if condition %} and {{ condition }}{% endif %}
    ),

    clicks as (
        select source_name, message_id, event_id, occurred_at
        from {{ events or ref('message_events') }}
        where event_type = 'clicked' and not coalesce(is_machine, false){% if condition %} and {{ condition }}{% endif %}
    )

    select
        clicks.source_name, clicks.event_id, clicks.message_id, messages.record_id, clicks.occurred_at as clicked_at, messages.channel, messages.campaign
    from clicks
    inner join messages on clicks.source_name = messages.source_name and clicks.message_id = messages.message_id
{% endmacro %}

{# What tells its rows apart from those that message_contacts read. #}
{% macro clicks_definition() %}
    {%- if not execute or model.resource_type == 'unit_test' -%}{{ return('') }}{%- endif -%}
    {{- return(clicks_on_campaigns() ~ vendor_sources(['messages', 'message_events']) | join(',')) -}}
{% endmacro %}

{# The hook that takes away the clicks of the messages that the night read, and of vendors, before they come in anew. #}
{% macro clicks_cleared() %}
    {%- if not state_goes_on() -%}{{ return("select 1") }}{%- endif -%}
    {%- set vendors = vendor_sources(['messages', 'message_events']) -%}
    delete from {{ this }} where message_id in (select message_id from {{ beside('touched', ref('message_contacts')) }})
    {%- if vendors %};
    delete from {{ this }} where source_name in ('{{ vendors | join("', '") }}'){% endif %}
{% endmacro %}
