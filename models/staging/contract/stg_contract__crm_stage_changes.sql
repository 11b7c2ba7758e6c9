-- One row per source and change of stage in a CRM: the version that counts.
with landed as (
    {{ current_rows('crm_stage_changes', key=['change_id']) }}
),

crm_stage_changes as (
    select
        change_id,
        contact_id,
        from_stage,
        to_stage,
        changed_at,
        changed_by,
        reason,
        source_name,
        brand,
        loaded_at
    from landed
)

select * from crm_stage_changes
