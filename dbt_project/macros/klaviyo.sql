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
