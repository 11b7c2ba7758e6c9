{#
    By what Klaviyo's messages and consents point at a person: the address of the channel, else another address of the profile, else the
    id that a shop or CRM gave it, else the profile itself, which stands among the contacts.
#}
{% macro klaviyo_ref(channel, profiles) -%}
    coalesce(
            case when {{ channel }} in ('sms', 'whatsapp') then coalesce({{ profiles }}.phone, {{ profiles }}.email) else {{ profiles }}.email end,
            {{ profiles }}.phone, {{ profiles }}.external_id, {{ profiles }}.profile_id
        )
{%- endmacro %}

{% macro klaviyo_ref_type(channel, profiles) -%}
    case
            when {{ profiles }}.phone is not null and ({{ channel }} in ('sms', 'whatsapp') or {{ profiles }}.email is null) then 'phone'
            when {{ profiles }}.email is not null then 'email'
            when {{ profiles }}.external_id is not null then {{ profiles }}.external_id_type
            when {{ profiles }}.profile_id is not null then 'contact_id'
        end
{%- endmacro %}

{#
    Klaviyo's events that count, and whose they were when they were first read: `first_profile_id`, and `first_send_id`, which
    holds it. What happened to a person stays theirs: read again after a deletion an event names nobody, after a merge another
    profile, and only those of the last day are read again. Half of what came back of a message would lose it otherwise.
#}
{% macro klaviyo_events() -%}
    {%- set landed = source('klaviyo', 'events') -%}
    {%- set is_changed = held_versions(landed).changes -%}
    select
        versions.*,
        {%- if is_changed %}
        coalesce(said_first.profile_id, versions.profile_id) as first_profile_id,
        case
            when said_first.profile_id is null then versions.send_id
            else substr(versions.send_id, 1, length(versions.send_id) - length(coalesce(versions.profile_id, ''))) || said_first.profile_id
        end as first_send_id
        {%- else %}
        versions.profile_id as first_profile_id,
        versions.send_id as first_send_id
        {%- endif %}
    from (
        {{ current_rows('events', key=['event_id'], kind='klaviyo') }}
    ) as versions
    {%- if is_changed %}
    left join (
        select told.source_name, told.event_id, min_by(told.profile_id, told.load_id) as profile_id
        from {{ landed }} as told
        inner join (
            select distinct source_name, event_id from {{ landed }} where is_change and not is_superseded
        ) as changes on told.source_name = changes.source_name and told.event_id = changes.event_id
        where told.profile_id is not null and not told.is_superseded
        group by told.source_name, told.event_id
    ) as said_first
        on versions.source_name = said_first.source_name and versions.event_id = said_first.event_id
    {%- endif %}
{%- endmacro %}
