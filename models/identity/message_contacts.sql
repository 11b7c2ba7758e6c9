{%- set since = state_since(['messages', 'message_events'], contacts_definition()) -%}
{{ config(pre_hook="{{ touched_messages_read() }}", post_hook=["{{ contacts_noted() }}", "{{ state_marked() }}"]) }}
-- One row per source and contact reference that messages were sent to or came from, with what came of them over each window.
-- Kept from night to night: a night looks only at the messages that it touches, and reads anew whoever's were corrected.
-- depends_on: {{ ref('messages') }}, {{ ref('message_events') }}
{%- if since is none %}
with contacts as ({{ contacted() }})

select * from contacts
{%- else %}
{%- do note_touched_messages(since) -%}
{%- set messages, events, corrected = beside('messages'), beside('events'), scratch_of('corrected') -%}
{%- set vendors = vendor_sources(['messages', 'message_events']) -%}
{%- set made_anew = "('" ~ vendors | join("', '") ~ "')" %}
with before as (
    select * from {{ this }} as before
    where source_name not in {{ made_anew }} and not {{ is_contact_of('before', corrected) }}
),

-- references of corrected messages are read anew below
changes as ({{ contacted(
    "source_name not in " ~ made_anew ~ " and not " ~ is_contact_of('messages', corrected), since, messages, events
) }}),

merged as (
    select
        coalesce(before.source_name, changes.source_name) as source_name,
        coalesce(before.contact_ref_type, changes.contact_ref_type) as contact_ref_type,
        coalesce(before.contact_ref, changes.contact_ref) as contact_ref,
        least(before.first_message_at, changes.first_message_at) as first_message_at,
        least(before.first_loaded_at, changes.first_loaded_at) as first_loaded_at,
        greatest(before.last_opened_at, changes.last_opened_at) as last_opened_at,
        greatest(before.last_clicked_at, changes.last_clicked_at) as last_clicked_at,
        greatest(before.last_reply_at, changes.last_reply_at) as last_reply_at
        {%- for figure in message_figures() %}{% for column in window_columns(figure) %},
        cast(coalesce(before.{{ column }}, 0) + coalesce(changes.{{ column }}, 0) as integer) as {{ column }}
        {%- endfor %}{% endfor %}
    from before
    full outer join changes
        on before.source_name = changes.source_name and before.contact_ref_type = changes.contact_ref_type
        and before.contact_ref = changes.contact_ref
)

select * from merged
{%- if vendors %}
union all
select * from ({{ contacted("source_name in " ~ made_anew) }}) as made_anew
{%- endif %}
union all
select * from ({{ contacted(
    "source_name not in " ~ made_anew ~ " and " ~ is_contact_of('messages', corrected), messages=messages, events=events
) }}) as corrections
{%- endif %}
