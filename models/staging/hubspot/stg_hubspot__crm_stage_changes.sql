-- One row per source and change of a contact's lifecycle stage in HubSpot, as the property's history tells it.
with changes as (
    {{ current_rows('contact_changes', key=['change_id'], kind='hubspot') }}
),

contacts as (
    {{ current_rows('contacts', key=['contact_id'], kind='hubspot') }}
),

stages as (
    {{ current_rows('lifecycle_stages', key=['stage_id'], kind='hubspot') }}
),

states as (select * from {{ ref('hubspot_states') }}),

-- to move a contact back HubSpot has the stage emptied first: that is no stage
entered as (
    select
        changes.change_id, changes.contact_id, changes.changed_at, changes.source_type, changes.source_label,
        changes.source_name, changes.brand, changes.loaded_at,
        coalesce(named.meaning, stages.label, changes.value) as to_stage
    from changes
    left join contacts on changes.source_name = contacts.source_name and changes.contact_id = contacts.contact_id
    left join states as named on named.topic = 'lifecycle_stage' and changes.value = named.vendor_state
    left join stages on changes.source_name = stages.source_name and changes.value = stages.stage_id
    where changes.property = 'lifecyclestage' and changes.value is not null and not coalesce(contacts.is_deleted, false)
),

moved as (
    select *, lag(to_stage) over (partition by source_name, contact_id order by changed_at, change_id) as from_stage
    from entered
),

-- set in the same save as the stage
reasons as (
    select source_name, contact_id, changed_at, max(value) as reason
    from changes
    where property = 'lifecycle_stage_reason' and value is not null
    group by source_name, contact_id, changed_at
),

crm_stage_changes as (
    select
        change_id,
        moved.contact_id,
        from_stage,
        to_stage,
        moved.changed_at,
        -- a source nobody named yet is a system's doing
        coalesce(changed.meaning, 'event') as changed_by,
        -- a workflow's label is its name
        coalesce(reasons.reason, case when changed.meaning = 'rule' then source_label end) as reason,
        moved.source_name,
        brand,
        loaded_at
    from moved
    left join states as changed on changed.topic = 'changed_by' and moved.source_type = changed.vendor_state
    left join reasons
        on
            moved.source_name = reasons.source_name
            and moved.contact_id = reasons.contact_id and moved.changed_at = reasons.changed_at
    where from_stage is null or from_stage <> to_stage
)

select * from crm_stage_changes
