{#
    The stage history kept from night to night: lifecycle.history_inputs, side_events and stage_history, each with its mark beside it that names
    the run that made it. Last night's are built upon where one run made all three, its check passed, and nothing but data changed since.
    docs/architecture.md, "What is kept from night to night".
#}

{# Spark changes no row of a Parquet table where it stands, and builds whole. #}
{% macro history_is_kept() %}{{ return(adapter.dispatch('history_is_kept', 'perennial')()) }}{% endmacro %}

{% macro default__history_is_kept() %}{{ return(true) }}{% endmacro %}

{% macro spark__history_is_kept() %}{{ return(false) }}{% endmacro %}

{% macro history_run() %}{{ return("'" ~ invocation_id ~ "'") }}{% endmacro %}

{# All that tells a history apart from the data: the code, the stage models, the business clock. #}
{% macro history_definition() %}
    {{- return("'" ~ local_md5(run_setting('PERENNIAL_CODE', '') ~ tojson(stage_models(), sort_keys=True) ~ business_time_zone()) ~ "'") -}}
{% endmacro %}

{# For history_inputs: what last night's tables stand for, {as_of, mean, run}; none where everything has to be built whole. #}
{% macro history_since() %}
    {%- if not execute or model.resource_type == 'unit_test' or flags.FULL_REFRESH or not history_is_kept()
        or run_setting('PERENNIAL_CODE', '') == '' -%}{{ return(none) }}{%- endif -%}
    {%- set marks = [state_mark(this), state_mark(history_table('side_events')), state_mark(history_table('stage_history'))] -%}
    {%- for mark in marks if load_cached_relation(mark) is none -%}{{ return(none) }}{%- endfor -%}
    {%- set found = run_query(
        "select cast(inputs.as_of as varchar), cast(inputs.mean_amount as varchar), inputs.run from " ~ marks[0] ~ " as inputs inner join " ~ marks[1]
        ~ " as events on inputs.run = events.run inner join " ~ marks[2] ~ " as stays on inputs.run = stays.run where stays.is_checked and inputs.definition = "
        ~ history_definition() ~ " and inputs.as_of <= " ~ as_of()).rows -%}
    {%- if found | length == 0 -%}{{ return(none) }}{%- endif -%}
    {{ return({'as_of': "timestamp '" ~ found[0][0] ~ "'", 'mean': found[0][1] or 'null', 'run': "'" ~ found[0][2] ~ "'"}) }}
{% endmacro %}

{#
    For the two others: since when a night goes on with the table, as a timestamp; none where it is built whole. history_inputs has said so in
    this run, and of the table that it looked at.
#}
{% macro history_night(table) %}
    {%- if model.resource_type == 'unit_test' -%}{{ return(none) }}{%- endif -%}
    {%- set inputs, own = state_mark(ref('history_inputs')), state_mark(table) -%}
    {%- if not execute or load_cached_relation(table) is none or load_cached_relation(inputs) is none or load_cached_relation(own) is none -%}{{ return(none) }}{%- endif -%}
    {%- set found = run_query(
        "select cast(inputs.was_as_of as varchar) from " ~ inputs ~ " as inputs inner join " ~ own
        ~ " as own on inputs.was_run = own.run where inputs.run = " ~ history_run()).rows -%}
    {{ return("timestamp '" ~ found[0][0] ~ "'" if found | length > 0 else none) }}
{% endmacro %}

{# The same of the table that is being made, noted for its materialization (state_goes_on). #}
{% macro history_goes_on() %}
    {%- set since = history_night(this) -%}
    {%- if execute and model.resource_type != 'unit_test' and history_is_kept() -%}
        {%- do create_scratch(state_noted(), "select cast(" ~ (since or 'null') ~ " as timestamp) as was_as_of") -%}
    {%- endif -%}
    {{ return(since) }}
{% endmacro %}

{# The hook of history_inputs, in its transaction. With more than half of all people to be remade it is cheaper to remake all. #}
{% macro history_noted() %}
    {%- if not history_is_kept() -%}{{ return("select 1") }}{%- endif -%}
    {%- set since, mark = history_since(), state_mark(this) -%}
    {%- do state_written(mark) -%}
    {%- set are_few = "(select 2 * count(case when remade in ('whole', 'continued') then 1 end) <= count(*) from " ~ this ~ ")" -%}
    create or replace table {{ mark }} as
    select
        {{ history_run() }} as run, {{ as_of() }} as as_of, {{ history_definition() }} as definition, ({{ store_mean(ref('customer_orders')) }}) as mean_amount,
        cast({{ "case when " ~ are_few ~ " then " ~ since.as_of ~ " end" if since else 'null' }} as timestamp) as was_as_of,
        cast({{ "case when " ~ are_few ~ " then " ~ since.run ~ " end" if since else 'null' }} as varchar) as was_run
{% endmacro %}

{# The hook of the two others. They are not trusted until the check has passed; it speaks of both. #}
{% macro history_marked() %}
    {%- if not history_is_kept() -%}{{ return("select 1") }}{%- endif -%}
    {%- do state_written(state_mark(this)) -%}
    {{- return("create or replace table " ~ state_mark(this) ~ " as select " ~ history_run() ~ " as run, false as is_checked") -}}
{% endmacro %}

{% macro history_table(name) %}
    {{ return(api.Relation.create(database=this.database, schema=this.schema, identifier=name, type='table')) }}
{% endmacro %}

{# For the check: whether last night's tables were gone on with. #}
{% macro history_was_continued() %}
    {%- set mark = state_mark(ref('history_inputs')) -%}
    {%- if not execute or load_cached_relation(mark) is none -%}{{ return(false) }}{%- endif -%}
    {{ return(run_query("select 1 from " ~ mark ~ " where was_as_of is not null").rows | length > 0) }}
{% endmacro %}

{# Whom the check rebuilds: a share of all people, known before, now or not at all any more, drawn anew with each snapshot. #}
{% macro history_sample() %}
    select customer_id from {{ ref('history_inputs') }} where {{ is_drawn('customer_id') }}
    union
    select customer_id from {{ ref('stage_history') }} where {{ is_drawn('customer_id') }}
{% endmacro %}
