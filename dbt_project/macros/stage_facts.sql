{# The facts that bounds of stages may name, beside the stages themselves. perennial/lifecycle/declaration.py lists the same. #}

{# Facts of orders and addresses, columns of order_changes. #}
{% macro order_facts() %}{{ return(['orders_count', 'days_since_last_order', 'is_reachable', 'is_high_value']) }}{% endmacro %}

{# Facts of everything else, columns of side_changes: {name: what holds of somebody of whom nothing is known}. #}
{% macro side_facts() %}
    {{- return({
        'advocacy_count': '0', 'conversations_count': '0', 'inbound_messages_count': '0', 'days_since_last_inbound': 'null',
        'open_deals_count': '0', 'source_stage': 'null',
    }) -}}
{% endmacro %}

{# Which facts an event, or the passing of time, can change, by the beginning of its cause_event_id. First sight can change all. #}
{% macro facts_changed_by() %}
    {{- return({
        'order:': ['orders_count', 'days_since_last_order', 'is_high_value'], 'time:days_since_last_order:': ['days_since_last_order'],
        'reachable': ['is_reachable'], 'advocacy:': ['advocacy_count'], 'conversation:': ['conversations_count'],
        'inbound_message:': ['inbound_messages_count', 'days_since_last_inbound'], 'time:days_since_last_inbound:': ['days_since_last_inbound'],
        'deal_opened:': ['open_deals_count'], 'deal_closed:': ['open_deals_count'], 'source_stage:': ['source_stage'],
    }) -}}
{% endmacro %}

{#
    Whether what changed could move anybody in some stage model: of each fact named there are two columns, as it stands and, as was_<fact>, as
    it was just before. Where every row has them all (is_whole) and a model speaks of no other its stages are compared, else each of its bounds. What
    could move nobody need not be sorted among what could. A `when:` is not looked into: anything could.
#}
{% macro could_move(facts, is_whole) %}
    {%- set terms = [] -%}
    {%- for model, declared in stage_models().items() -%}
        {%- set spoken_of = facts_of_model(model) -%}
        {%- if declared['stages'] | selectattr('when', 'defined') | list -%}
            {%- do terms.append('true') -%}
        {%- elif not is_whole or spoken_of | reject('in', facts) | list -%}
            {%- for fact in facts if fact in spoken_of -%}
                {%- for bound in bounds_of(fact, [declared]) -%}
                    {%- if 'in' in bound -%}{%- do terms.append(fact ~ " is distinct from was_" ~ fact) -%}{%- endif -%}
                    {%- if 'min' in bound -%}{%- do terms.append("coalesce(" ~ fact ~ " >= " ~ bound['min'] ~ ", false) <> coalesce(was_" ~ fact ~ " >= " ~ bound['min'] ~ ", false)") -%}{%- endif -%}
                    {%- if 'max' in bound -%}{%- do terms.append("coalesce(" ~ fact ~ " <= " ~ bound['max'] ~ ", false) <> coalesce(was_" ~ fact ~ " <= " ~ bound['max'] ~ ", false)") -%}{%- endif -%}
                {%- endfor -%}
            {%- endfor -%}
        {%- else -%}
            {%- do terms.append(stage_number(model, facts) ~ " <> " ~ stage_number(model, facts, 'was_')) -%}
        {%- endif -%}
    {%- endfor -%}
    {{- return("(" ~ (terms | unique | join(" or ") if terms else "false") ~ ")") -}}
{% endmacro %}

{# The cause where it can move somebody in a stage model, else null: what speaks of no fact of the model is no cause of its stays. #}
{% macro cause_within(model, cause) %}
    {%- set facts, rules = facts_of_model(model), [] -%}
    {%- for beginning, changed in facts_changed_by().items() if changed | select('in', facts) | list -%}
        {%- do rules.append(cause ~ " like '" ~ beginning ~ "%'") -%}
    {%- endfor -%}
    {{- return("case when " ~ cause ~ " = 'first_seen'" ~ (" or " if rules else "") ~ rules | join(" or ") ~ " then " ~ cause ~ " end") -}}
{% endmacro %}

{# The facts that a stage model speaks of; a `when:` may speak of any. #}
{% macro facts_of_model(model) %}
    {%- set facts = [] -%}
    {%- for stage in stage_models()[model]['stages'] -%}
        {%- for alternative in stage_alternatives(stage) -%}{%- do facts.extend(alternative.keys()) -%}{%- endfor -%}
        {%- if stage.get('when') -%}{%- do facts.extend(order_facts() + side_facts().keys() | list) -%}{%- endif -%}
    {%- endfor -%}
    {{- return(facts | unique | list) -}}
{% endmacro %}

{# The alternatives of a stage: bounds are one set of them, or a list of sets of which one is enough. #}
{% macro stage_alternatives(stage) %}
    {%- set bounds = stage.get('bounds', {}) -%}
    {{- return([bounds] if bounds is mapping else bounds) -}}
{% endmacro %}

{# The bounds that any stage of any model, or of those given, sets to a fact. #}
{% macro bounds_of(fact, models=none) %}
    {%- set bounds = [] -%}
    {%- for model in models or stage_models().values() -%}
        {%- for stage in model['stages'] -%}
            {%- for alternative in stage_alternatives(stage) if fact in alternative -%}{%- do bounds.append(alternative[fact]) -%}{%- endfor -%}
        {%- endfor -%}
    {%- endfor -%}
    {{- return(bounds) -}}
{% endmacro %}

{# The days N after which some stage of some model changes by the passing of time alone: a fact counted in days goes from N to N + 1. #}
{% macro stage_thresholds(fact) %}
    {%- set days = [] -%}
    {%- for bound in bounds_of(fact) -%}
        {%- if 'max' in bound -%}{%- do days.append(bound['max']) -%}{%- endif -%}
        {%- if bound.get('min', 0) > 0 -%}{%- do days.append(bound['min'] - 1) -%}{%- endif -%}
    {%- endfor -%}
    {{- return(days | unique | sort | list) -}}
{% endmacro %}

{# A stage as its source calls it, in the form in which declarations name it: lower case, words joined by _. #}
{% macro source_stage_name(stage) %}
    {{- return("lower(" ~ replace_all("trim(" ~ stage ~ ")", "[^A-Za-z0-9]+", "_") ~ ")") -}}
{% endmacro %}
