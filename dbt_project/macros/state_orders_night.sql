{# What a night has to look at to bring customer.orders up to date, and what it leaves for the tables that follow it. #}

{% macro order_tables() %}{{ return(['shop_orders', 'shop_order_lines', 'shop_refunds']) }}{% endmacro %}

{#
    What tells the rows apart from the data, from who is who and from the rates; none, and so never the same twice, where a vendor delivers
    orders: its staging makes them of several landed tables, and one landed row may change many.
#}
{% macro orders_definition() %}
    {%- if not execute or model.resource_type == 'unit_test' -%}{{ return('') }}{%- endif -%}
    {%- if vendor_sources(order_tables()) -%}{{ return(invocation_id) }}{%- endif -%}
    {%- set views = [] -%}
    {%- for table in order_tables() -%}{%- do views.extend([table, 'stg_contract__' ~ table]) -%}{%- endfor -%}
    {%- set with_lines = run_query("select source_name from " ~ ref('line_sources') ~ " order by source_name").columns[0].values() | join(',') -%}
    {{- return(valid_orders() ~ view_definitions(views) ~ with_lines) -}}
{% endmacro %}

{#
    touched: the orders a row of which came since, of which as_of or a cancellation was passed, whose record is another person's, or whose rate
    is another one. A refund that was corrected may have left another order, so all its versions count.
#}
{% macro note_touched_orders(since) %}
    {%- set new = "load_id > " ~ since.load_id -%}
    {%- set refunds = landed_rows('shop_refunds') ~ " as refunds" -%}
    {%- set branches = [
        "select source_name, order_id from " ~ ref('shop_orders') ~ " as orders where ordered_at >= " ~ since.as_of ~ " or cancelled_at >= " ~ since.as_of,
        "select source_name, order_id from " ~ ref('shop_refunds') ~ " as refunds where refunded_at >= " ~ since.as_of,
        "select source_name, order_id from " ~ refunds ~ " where refund_id in (select refund_id from " ~ refunds ~ " where " ~ new ~ " and (is_change or is_replacement))",
    ] -%}
    {%- for table in order_tables() -%}
        {%- do branches.append("select source_name, order_id from " ~ landed_rows(table) ~ " as landed where " ~ new) -%}
    {%- endfor -%}
    {%- set moved = create_scratch(scratch_of('moved'), "select source_name, record_type, record_id from (" ~ order_owners() ~ ") as now full join " ~ beside('owners')
        ~ " as was using (source_name, record_type, record_id) where was.customer_id is distinct from now.customer_id") -%}
    {%- if moved > 0 -%}
        {%- do branches.append("select source_name, order_id from " ~ ref('shop_orders') ~ " as orders where (source_name, " ~ order_record_type('customer_id')
            ~ ", coalesce(customer_id, order_id)) in (select (source_name, record_type, record_id) from " ~ scratch_of('moved') ~ ")") -%}
    {%- endif -%}
    {%- set changed_rates = create_scratch(scratch_of('rates'), "select currency, on_date from " ~ ref('rates') ~ " as now full join " ~ beside('rates')
        ~ " as was using (currency, on_date) where was.rate is distinct from now.rate") -%}
    {%- if changed_rates > 0 -%}
        {%- do branches.append("select source_name, order_id from " ~ this ~ " as orders where (currency, ordered_on) in (select (currency, on_date) from " ~ scratch_of('rates') ~ ")") -%}
    {%- endif -%}
    {%- do create_scratch(scratch_of('touched'), "select * from (" ~ branches | join(" union ") ~ ") as touched where order_id is not null") -%}
{% endmacro %}

{# The hook that takes the touched orders away before they come in anew, and notes whose they were. #}
{% macro orders_cleared() %}
    {%- if not state_goes_on() -%}{{ return("select 1") }}{%- endif -%}
    create or replace table {{ beside('changed') }} as select distinct customer_id from {{ this }} as orders where customer_id is not null and {{ is_one_of('orders', scratch_of('touched')) }};
    delete from {{ this }} as orders where {{ is_one_of('orders', scratch_of('touched')) }}
{% endmacro %}

{# The hook that notes, in the same transaction, whose orders were touched, whose each record is, the rates, and the edition of the table. #}
{% macro orders_noted() %}{{ return(adapter.dispatch('orders_noted', 'perennial')()) }}{% endmacro %}

{% macro default__orders_noted() %}
    {%- do state_written(beside('edition')) %}
    {%- if state_goes_on() %}
    insert into {{ beside('changed') }} select distinct customer_id from {{ this }} as orders where customer_id is not null and {{ is_one_of('orders', scratch_of('touched')) }};
    {%- endif %}
    create or replace table {{ beside('owners') }} as {{ order_owners() }};
    create or replace table {{ beside('rates') }} as select currency, on_date, rate from {{ ref('rates') }};
    {{ state_edition() }}
{% endmacro %}

{% macro spark__orders_noted() %}{{ return("select 1") }}{% endmacro %}

{% macro order_owners() -%}
    select source_name, record_type, record_id, customer_id from {{ ref('identity_map') }} where record_type in ('shop_customer', 'guest_order')
{%- endmacro %}
