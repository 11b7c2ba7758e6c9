-- One row per stay: a person in a stage of a stage model, from valid_from until valid_to (null = still there).
with fact_changes as (select * from {{ ref('fact_changes') }}),

staged as (
    {% for model in var('stage_models') %}
    select
        customer_id, changed_at, cause_event_id, '{{ model }}' as stage_model,
        {{ stage_case(model, orders_count='orders_count', days_since_last_order='days_since_last_order', is_reachable='is_reachable') }} as stage
    from fact_changes
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

compared as (
    select *, lag(stage) over (partition by customer_id, stage_model order by changed_at) as previous_stage
    from staged
),

moves as (select * from compared where previous_stage is null or previous_stage <> stage),

stays as (
    select
        *,
        lag(changed_at) over person as previous_from,
        lead(changed_at) over person as left_at
    from moves
    window person as (partition by customer_id, stage_model order by changed_at)
),

stage_history as (
    select
        customer_id, stage_model, stage,
        {{ by_stage_model('kind') }} as kind,
        cast(null as {{ dbt.type_string() }}) as lost_reason,
        changed_at as valid_from, left_at as valid_to,
        previous_stage, previous_from,
        cause_event_id,
        {{ by_stage_model('rule_version') }} as rule_version
    from stays
)

select * from stage_history
