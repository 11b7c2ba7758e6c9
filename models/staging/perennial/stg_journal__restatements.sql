-- One row per figure that a snapshot restated.
with restatements as (
    select
        noticed_at,
        as_of,
        previous_as_of,
        table_name,
        figure,
        row_key,
        stage_model,
        old_value,
        new_value,
        delta,
        cause,
        evidence,
        previous_rule_version,
        rule_version,
        previous_snapshot_id,
        snapshot_id
    from {{ source('journal', 'restatements') }}
)

select * from restatements
