-- One row per person and stage model: the stage held at as_of, since when, and what to do next.
with stage_history as (select * from {{ ref('stage_history') }} where valid_to is null),

customer_stages as (
    select
        customer_id, stage_model, stage, kind, valid_from as entered_at, lost_reason,
        case stage_model
            {%- for model in var('stage_models') %}
            when '{{ model }}' then {{ stage_attribute(model, 'label', 'stage') }}
            {%- endfor %}
        end as stage_label,
        case stage_model
            {%- for model in var('stage_models') %}
            when '{{ model }}' then {{ stage_attribute(model, 'next_action', 'stage') }}
            {%- endfor %}
        end as next_action
    from stage_history
)

select * from customer_stages
