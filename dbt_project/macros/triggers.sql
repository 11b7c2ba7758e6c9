{# Triggers, as declared in vars.triggers, turned into SQL. Nothing here knows a particular trigger. #}

{# The declaration of every trigger with what it may leave out; stops where a word in it means nothing. #}
{% macro triggers() %}
    {%- set declared = {} -%}
    {%- for name, trigger in var('triggers').items() -%}
        {%- set known = ['event', 'bounds', 'delay_hours', 'called_off_by', 're_entry', 'cool_down_days', 'max_lateness_hours', 'channels', 'serves'] -%}
        {%- for word in trigger if word not in known -%}{{ wrong_trigger(name, word ~ " is not known. Known: " ~ known | join(', ')) }}{%- endfor -%}
        {%- if ('event' in trigger) == ('bounds' in trigger) -%}{{ wrong_trigger(name, "write either event or bounds") }}{%- endif -%}
        {%- if 'event' in trigger and trigger['event'] not in trigger_events_known() -%}
            {{ wrong_trigger(name, "event: " ~ trigger['event'] ~ " is not known. Known: " ~ trigger_events_known() | join(', ')) }}
        {%- endif -%}
        {%- for fact, bound in trigger.get('bounds', {}).items() -%}{{ check_trigger_bound(name, fact, bound) }}{%- endfor -%}
        {%- for word in trigger.get('called_off_by', []) if word not in ['order', 'checkout'] -%}
            {{ wrong_trigger(name, "called_off_by: " ~ word ~ " is not known. Known: order, checkout") }}
        {%- endfor -%}
        {%- if 'bounds' in trigger and trigger.get('called_off_by') -%}{{ wrong_trigger(name, "bounds that hold no more call it off; called_off_by goes with event") }}{%- endif -%}
        {%- if trigger.get('re_entry') not in ['always', 'once'] -%}{{ wrong_trigger(name, "re_entry must be always or once") }}{%- endif -%}
        {%- if not trigger.get('max_lateness_hours') -%}{{ wrong_trigger(name, "max_lateness_hours is missing: say when it is too late") }}{%- endif -%}
        {%- if not trigger.get('channels') -%}{{ wrong_trigger(name, "channels is missing: name what suits, the best first") }}{%- endif -%}
        {%- for model, stages in trigger.get('serves', {}).items() -%}{{ check_served(name, model, stages) }}{%- endfor -%}
        {%- do declared.update({name: {
            'event': trigger.get('event', name), 'bounds': trigger.get('bounds', {}), 'delay_hours': trigger.get('delay_hours', 0) | int,
            'called_off_by': trigger.get('called_off_by', []), 're_entry': trigger['re_entry'],
            'cool_down_days': trigger.get('cool_down_days', -1) | int, 'max_lateness_hours': trigger['max_lateness_hours'] | int,
            'channels': trigger['channels'], 'serves': trigger.get('serves', {}),
        }}) -%}
    {%- endfor -%}
    {{- return(declared) -}}
{% endmacro %}

{% macro trigger_events_known() %}
    {{- return(['form_submit', 'product_view', 'checkout_started', 'order', 'birthday', 'back_in_stock', 'quiet_conversation', 'unanswered_question']) -}}
{% endmacro %}

{% macro check_trigger_bound(name, fact, bound) %}
    {%- set facts = ['orders_count', 'revenue_amount', 'days_since_first_order', 'days_since_last_order', 'days_since_last_open', 'days_since_last_engagement'] -%}
    {%- if fact not in facts and not modules.re.fullmatch('orders_count_[1-9][0-9]*d', fact) -%}
        {{ wrong_trigger(name, "bounds: " ~ fact ~ " is not known. Known: orders_count_<N>d, " ~ facts | join(', ')) }}
    {%- endif -%}
    {%- if not bound.get('min') -%}{{ wrong_trigger(name, "bounds: " ~ fact ~ " needs a min of 1 or more: a trigger begins when something is reached") }}{%- endif -%}
    {%- if 'max' in bound and not fact.startswith('days_') -%}{{ wrong_trigger(name, "bounds: " ~ fact ~ " takes no max; days_* do") }}{%- endif -%}
{% endmacro %}

{% macro check_served(name, model, stages) %}
    {%- set declared = stage_models().get(model, {'stages': []})['stages'] | map(attribute='stage') | list -%}
    {%- for stage in stages if stage not in declared -%}
        {{ exceptions.raise_compiler_error(name ~ " serves " ~ model ~ "." ~ stage ~ ", which vars.stage_models does not declare") }}
    {%- endfor -%}
{% endmacro %}

{% macro wrong_trigger(name, what) %}{{ exceptions.raise_compiler_error("dbt_project.yml, vars.triggers." ~ name ~ ": " ~ what) }}{% endmacro %}

{# The triggers that begin with one of these events. #}
{% macro triggers_on(events) %}
    {%- set found = [] -%}
    {%- for trigger in triggers().values() if trigger['event'] in events -%}{%- do found.append(trigger) -%}{%- endfor -%}
    {{- return(found) -}}
{% endmacro %}

{# Whether anything begins with one of these events or is called off by this, as a condition: what no trigger speaks of is not gathered. #}
{% macro is_spoken_of(events, calls_off=none) %}
    {%- set found = triggers_on(events) -%}
    {%- for trigger in triggers().values() if calls_off in trigger['called_off_by'] -%}{%- do found.append(trigger) -%}{%- endfor -%}
    {{- return('true' if found else 'false') -}}
{% endmacro %}

{# The shortest delay of the triggers that begin with an event, in hours. #}
{% macro shortest_delay_hours(event) %}
    {{- return(triggers_on([event]) | map(attribute='delay_hours') | list | sort | first | default(0)) -}}
{% endmacro %}

{# The triggers that work in a stage. #}
{% macro triggers_serving(model, stage) %}
    {%- set found = [] -%}
    {%- for name, trigger in var('triggers').items() if stage in trigger.get('serves', {}).get(model, []) -%}{%- do found.append(name) -%}{%- endfor -%}
    {{- return(found) -}}
{% endmacro %}

{# The audiences that do (config.meta.serves of their YAML). What they name must be declared. #}
{% macro audiences_serving(model, stage) %}
    {%- set found = [] -%}
    {%- if execute -%}
        {%- for node in graph.nodes.values() if 'audience' in node.config.get('meta', {}) -%}
            {%- set serves = node.config.meta.get('serves', {}) -%}
            {%- for other, stages in serves.items() -%}{{ check_served(node.name, other, stages) }}{%- endfor -%}
            {%- if stage in serves.get(model, []) -%}{%- do found.append(node.name) -%}{%- endif -%}
        {%- endfor -%}
    {%- endif -%}
    {{- return(found | sort) -}}
{% endmacro %}
