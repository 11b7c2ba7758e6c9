-- One row per person with a message: sent, opened and clicked by a human, answered, over each window.
with message_contacts as (select * from {{ ref('message_contacts') }}),

identity_map as (select * from {{ ref('identity_map') }} where record_type = 'message_contact'),

totals as (
    select
        identity_map.customer_id,
        max(message_contacts.last_opened_at) as last_opened_at,
        max(message_contacts.last_clicked_at) as last_clicked_at,
        max(message_contacts.last_reply_at) as last_reply_at,
        {%- for figure in message_figures() %}
        {{ summed_windows(figure) }}{{ ',' if not loop.last }}
        {%- endfor %}
    from message_contacts
    inner join identity_map
        on message_contacts.source_name = identity_map.source_name
        and {{ ref_record_id('message_contacts.contact_ref_type', 'message_contacts.contact_ref') }} = identity_map.record_id
    group by identity_map.customer_id
)

select * from totals
