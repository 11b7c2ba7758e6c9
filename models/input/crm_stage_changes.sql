-- One row per source and change of stage in a CRM, as known before as_of.
with delivered as ({{ delivered('crm_stage_changes') }}),

known as (
    select
        change_id,
        {{ real_id('contact_id') }} as contact_id,
        from_stage,
        to_stage,
        changed_at,
        changed_by,
        reason,
        source_name,
        brand,
        loaded_at
    from delivered
    where changed_at < {{ as_of() }}
)

select * from known
