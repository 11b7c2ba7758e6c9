-- One row per stage model and stage: which touchpoints, triggers and audiences serve it.
with declared as (
    {% for model, content in stage_models().items() %}{% set is_last_model = loop.last %}
    {% for stage in content['stages'] %}
    select
        '{{ model }}' as stage_model, '{{ stage['stage'] }}' as stage, '{{ stage['label'] | replace("'", "''") }}' as stage_label,
        nullif('{{ triggers_serving(model, stage['stage']) | join(', ') }}', '') as triggers,
        nullif('{{ audiences_serving(model, stage['stage']) | join(', ') }}', '') as audiences
    {{ 'union all' if not (loop.last and is_last_model) }}
    {% endfor %}{% endfor %}
),

touchpoints as (
    select 'five_stage' as stage_model, stage, {{ distinct_list('touchpoint') }} as touchpoints
    from {{ ref('touchpoints') }}
    group by stage
),

-- a touchpoint that names no declared stage has no label, which a test finds
stage_coverage as (
    select
        coalesce(declared.stage_model, touchpoints.stage_model) as stage_model, coalesce(declared.stage, touchpoints.stage) as stage, declared.stage_label,
        touchpoints.touchpoints, declared.triggers, declared.audiences,
        declared.triggers is not null or declared.audiences is not null as is_served
    from declared
    full outer join touchpoints on declared.stage_model = touchpoints.stage_model and declared.stage = touchpoints.stage
)

select * from stage_coverage
