{#
    What a run is told from outside (docs/architecture.md). The environment is read only while executing: while parsing,
    constants stand in, so that last night's partial parse stays valid.
#}

{% macro run_setting(name, default) %}
    {%- if execute -%}{{ return(env_var(name, default | string)) }}{%- else -%}{{ return(default | string) }}{%- endif -%}
{% endmacro %}

{# The exclusive upper bound in event time, as a UTC timestamp literal. #}
{% macro as_of() %}
    {{- return("cast('" ~ run_setting('PERENNIAL_AS_OF_UTC', '2000-01-01 00:00:00') ~ "' as timestamp)") -}}
{% endmacro %}

{% macro business_time_zone() %}
    {{- return(run_setting('PERENNIAL_TIME_ZONE', var('time_zone'))) -}}
{% endmacro %}

{% macro business_currency() %}
    {{- return("'" ~ run_setting('PERENNIAL_CURRENCY', var('currency')) ~ "'") -}}
{% endmacro %}

{% macro snapshot_id() %}
    {{- return("'" ~ run_setting('PERENNIAL_SNAPSHOT_ID', 'none') ~ "'") -}}
{% endmacro %}
