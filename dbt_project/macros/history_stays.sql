{#
    What lifecycle.stage_history is, of a relation of fact changes. since: people with is_continued begin with where they stood then, is_ground, if
    anything came after it; what comes first follows_ground.
#}
{% macro stays(fact_changes, since=none) %}
{%- set stage_models = stage_models().keys() | list -%}
with fact_changes as (select * from {{ fact_changes }}),

stage_changes as (select * from {{ ref('crm_stage_changes') }} where reason is not null),

-- every model at once: what happened is put in order one time
staged as (
    select
        customer_id, changed_at,
        {% for model in stage_models %}cause_in_{{ model }}, {{ stage_number(model, order_facts() + side_facts().keys() | list) }} as stage_of_{{ model }}{{ ',' if not loop.last }}
        {% endfor %}
        {%- if since %}, is_continued and changed_at = {{ since }} as is_ground{% endif %}
    from fact_changes
),

compared as (
    select
        *,
        {% for model in stage_models %}lag(stage_of_{{ model }}) over person as stage_before_of_{{ model }}{{ ',' if not loop.last }}
        {% endfor %}
        {%- if since %}, lead(changed_at) over person as next_changed_at{% endif %}
    from staged
    window person as (partition by customer_id order by changed_at)
),

moves as (
    {% for model in stage_models %}
    select
        customer_id, {{ loop.index }} as model_number, changed_at, cause_in_{{ model }} as cause_event_id,
        stage_of_{{ model }} as stage_number, stage_before_of_{{ model }} as previous_number
        {%- if since %}, is_ground{% endif %}
    from compared
    where {% if since %}case
        when is_ground then next_changed_at is not null
        else {% endif %}stage_before_of_{{ model }} is null or stage_before_of_{{ model }} <> stage_of_{{ model }}{{ ' end' if since }}
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

stays as (
    select
        *,
        lag(changed_at) over person as previous_from,
        lead(changed_at) over person as left_at
        {%- if since %},
        coalesce(lag(is_ground) over person, false) as follows_ground
        {%- endif %}
    from moves
    window person as (partition by customer_id, model_number order by changed_at)
),

said as (
    select 'source_stage:' || source_name || ':' || change_id as cause_event_id, trim(reason) as reason from stage_changes
),

named as (
    select
        customer_id, changed_at, previous_from, left_at, cause_event_id,
        case model_number {% for model in stage_models %} when {{ loop.index }} then '{{ stage_model_name(model) }}'{% endfor %} end as stage_model,
        {{ stage_name_of('stage_number') }} as stage,
        {{ stage_name_of('previous_number') }} as previous_stage
        {%- if since %},
        is_ground, follows_ground
        {%- endif %}
    from stays
),

judged as (
    select named.*, {{ by_stage_model('kind') }} as kind, said.reason
    from named
    left join said on named.cause_event_id = said.cause_event_id
),

stage_history as (
    select
        customer_id, stage_model, stage, kind,
        case
            when kind <> 'lost' then null
            when reason <> '' then reason
            when cause_event_id like 'time:days_since_last_inbound:%' then 'stopped_replying'
        end as lost_reason,
        changed_at as valid_from, left_at as valid_to,
        previous_stage, previous_from,
        cause_event_id,
        {{ by_stage_model('rule_version') }} as rule_version
        {%- if since %},
        is_ground, follows_ground
        {%- endif %}
    from judged
)

select * from stage_history
{% endmacro %}
