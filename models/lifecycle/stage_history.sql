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
    select *, lag(stage) over (partition by customer_id, stage_model order by changed_at) as stage_before
    from staged
),

moves as (select * from compared where stage_before is null or stage_before <> stage),

stays as (
    select *, lead(changed_at) over (partition by customer_id, stage_model order by changed_at) as left_at
    from moves
),

stage_history as (
    select
        customer_id, stage_model, stage,
        case stage_model
            {%- for model in var('stage_models') %}
            when '{{ model }}' then {{ stage_attribute(model, 'kind', 'stage') }}
            {%- endfor %}
        end as kind,
        cast(null as {{ dbt.type_string() }}) as lost_reason,
        changed_at as valid_from,
        left_at as valid_to,
        cause_event_id,
        case stage_model
            {%- for model in var('stage_models') %}
            when '{{ model }}' then '{{ rule_version(model) }}'
            {%- endfor %}
        end as rule_version
    from stays
)

select * from stage_history
