{# Where DuckDB's planner needs telling and Spark's does not. #}

{# Before and after a model that joins one large table with smaller or narrower ones, each named in the order to join them: the planner
   takes every filter to leave a fifth of the rows, holds the large table in memory instead of the others, and takes a third longer. #}
{% macro joins_as_written() %}{{ return(adapter.dispatch('joins_as_written', 'perennial')()) }}{% endmacro %}

{% macro default__joins_as_written() %}{{ return("set disabled_optimizers = 'join_order,build_side_probe_side'") }}{% endmacro %}

{% macro spark__joins_as_written() %}{{ return("") }}{% endmacro %}

{% macro joins_as_planned() %}{{ return(adapter.dispatch('joins_as_planned', 'perennial')()) }}{% endmacro %}

{% macro default__joins_as_planned() %}{{ return("reset disabled_optimizers") }}{% endmacro %}

{% macro spark__joins_as_planned() %}{{ return("") }}{% endmacro %}
