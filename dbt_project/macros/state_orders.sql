{# What customer.orders is made of, written once for the whole table, for what a night touches, and for the check. #}

{# One row per valid order. ids: a table (source_name, order_id) of those to make; all, where none is given. #}
{% macro valid_orders(ids=none) %}
    with delivered as (
        select * from {{ ref('shop_orders') }} as orders
        where status not in ('pending', 'cancelled', 'failed', 'test'){% if ids %} and {{ is_one_of('orders', ids) }}{% endif %}
    ),

    lines as (select * from {{ ref('shop_order_lines') }} as lines{% if ids %} where {{ is_one_of('lines', ids) }}{% endif %}),

    line_sources as (select * from {{ ref('line_sources') }}),

    delivered_refunds as (select * from {{ ref('shop_refunds') }} as refunds{% if ids %} where {{ is_one_of('refunds', ids) }}{% endif %}),

    identity_map as (select * from {{ ref('identity_map') }} where record_type in ('shop_customer', 'guest_order')),

    rates as (select * from {{ ref('rates') }}),

    -- before tax, shipping and refunds; two plain sums, because a difference in each row costs twice as much
    line_revenue as (
        select
            source_name, order_id,
            cast(sum(quantity * unit_price_amount) - coalesce(sum(discount_amount), 0) as decimal(18, 4)) as revenue_amount,
            cast(sum(quantity) as decimal(18, 4)) as items_count
        from lines
        where quantity > 0 and unit_price_amount > 0
        group by source_name, order_id
    ),

    -- an order needs a line that counts, except where its source delivers no lines at all
    valid as (
        select
            delivered.source_name, delivered.order_id, delivered.brand, delivered.ordered_at, delivered.currency,
            {{ local_date('delivered.ordered_at') }} as ordered_on,
            {{ order_record_type('delivered.customer_id') }} as record_type,
            coalesce(delivered.customer_id, delivered.order_id) as record_id,
            coalesce(line_revenue.revenue_amount, delivered.subtotal_amount, delivered.total_amount, 0) as revenue_amount,
            coalesce(delivered.total_amount, line_revenue.revenue_amount, delivered.subtotal_amount, 0) as gross_amount,
            line_revenue.items_count
        from delivered
        left join line_revenue on delivered.source_name = line_revenue.source_name and delivered.order_id = line_revenue.order_id
        left join line_sources on delivered.source_name = line_sources.source_name
        where line_revenue.order_id is not null or line_sources.source_name is null
    ),

    refunded as (
        select source_name, order_id, sum(amount) as refunded_amount
        from delivered_refunds
        where order_id is not null
        group by source_name, order_id
    ),

    orders as (
        select
            valid.order_id, valid.source_name, valid.brand, identity_map.customer_id, valid.ordered_at, valid.ordered_on, valid.currency,
            cast(valid.revenue_amount as decimal(18, 4)) as revenue_amount,
            cast(valid.gross_amount as decimal(18, 4)) as gross_amount,
            cast(coalesce(refunded.refunded_amount, 0) as decimal(18, 4)) as refunded_amount,
            cast({{ in_business_currency('valid.revenue_amount', 'valid.currency', 'rates.rate') }} as decimal(18, 4)) as business_revenue_amount,
            cast({{ in_business_currency('valid.gross_amount', 'valid.currency', 'rates.rate') }} as decimal(18, 4)) as business_gross_amount,
            valid.items_count
        from valid
        left join identity_map
            on valid.source_name = identity_map.source_name
            and valid.record_type = identity_map.record_type
            and valid.record_id = identity_map.record_id
        left join refunded on valid.source_name = refunded.source_name and valid.order_id = refunded.order_id
        left join rates on valid.currency = rates.currency and valid.ordered_on = rates.on_date
    )

    select * from orders
{% endmacro %}

{# The id alone first: a join on two columns is not handed down to where files are read. #}
{% macro is_one_of(relation, ids) -%}
    {{ relation }}.order_id in (select order_id from {{ ids }})
        and exists (select 1 from {{ ids }} as ids where ids.source_name = {{ relation }}.source_name and ids.order_id = {{ relation }}.order_id)
{%- endmacro %}

{# Which orders the check makes anew: a share of all, valid ones or not, and those a row of which came late. #}
{% macro sampled_orders(was) %}
    select source_name, order_id from {{ ref('shop_orders') }} where {{ is_drawn('order_id') }} or ({{ came_late('ordered_at', was) }})
    union
    select source_name, order_id from {{ ref('orders') }} where {{ is_drawn('order_id') }}
    union
    select source_name, order_id from {{ ref('shop_refunds') }} where order_id is not null and {{ came_late('refunded_at', was) }}
    union
    select source_name, order_id from {{ ref('shop_order_lines') }}
    where loaded_at > {{ was.loaded_until }} and order_id in (select order_id from {{ ref('shop_orders') }} where loaded_at <= {{ was.loaded_until }})
{% endmacro %}
