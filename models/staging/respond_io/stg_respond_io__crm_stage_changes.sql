-- One row per source and change of a contact's lifecycle stage at respond.io that a webhook told of.
with events as (
    {{ respond_io_events() }}
),

states as (select * from {{ ref('respond_io_states') }}),

crm_stage_changes as (
    select
        event_id as change_id,
        contact_id,
        old_lifecycle as from_stage,
        lifecycle as to_stage,
        told_at as changed_at,
        states.meaning as changed_by,
        cast(null as {{ dbt.type_string() }}) as reason,
        source_name,
        brand,
        loaded_at
    from events
    left join states on states.topic = 'changed_by' and states.vendor_state = events.changed_by
    where event_type = 'contact.lifecycle.updated' and contact_id is not null
)

select * from crm_stage_changes
