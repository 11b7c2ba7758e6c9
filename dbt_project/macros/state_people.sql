{# What the tables that follow customer.orders are made of, written once for the whole table, for the people of a night, and for the check. #}

{# One row per valid order of a known person. condition: which people, as a condition on customer_id. #}
{% macro numbered_orders(condition=none) %}
    with orders as (select * from {{ ref('orders') }} where customer_id is not null{% if condition %} and {{ condition }}{% endif %}),

    sequenced as (
        select
            *,
            row_number() over person as order_number,
            lag(ordered_at) over person as previous_ordered_at,
            lag(ordered_on) over person as previous_ordered_on,
            lead(ordered_at) over person as next_ordered_at,
            case when count(*) over so_far = count(business_revenue_amount) over so_far then sum(business_revenue_amount) over so_far end as revenue_to_date_amount
        from orders
        window
            person as (partition by customer_id order by ordered_at, source_name, order_id),
            so_far as (partition by customer_id order by ordered_at, source_name, order_id rows between unbounded preceding and current row)
    ),

    spaced as (
        select
            order_id, source_name, brand, customer_id, ordered_at, ordered_on, currency, revenue_amount, gross_amount, refunded_amount,
            business_revenue_amount, business_gross_amount,
            cast(order_number as integer) as order_number,
            cast({{ days_between('previous_ordered_on', 'ordered_on') }} as integer) as days_since_previous_order,
            coalesce({{ days_between('previous_ordered_on', 'ordered_on') }} > {{ var('lapsed_after_days') }}, false) as is_reactivation,
            previous_ordered_at, next_ordered_at,
            cast(revenue_to_date_amount as decimal(18, 4)) as revenue_to_date_amount
        from sequenced
    )

    select * from spaced
{% endmacro %}

{# One row per person and category bought of. condition: which people, as a condition on customer_id. #}
{% macro purchases_by_category(condition=none) %}
    with orders as (
        select source_name, order_id, customer_id, ordered_at from {{ ref('orders') }}
        where customer_id is not null{% if condition %} and {{ condition }}{% endif %}
    ),

    lines as (
        select * from {{ ref('shop_order_lines') }}
        where quantity > 0 and unit_price_amount > 0{% if condition %} and order_id in (select order_id from orders){% endif %}
    ),

    products as (select source_name, product_id, category from {{ ref('shop_products') }} where category is not null)

    select
        orders.customer_id,
        coalesce(lines.category, products.category) as category,
        max(orders.ordered_at) as last_bought_at,
        sum(lines.quantity) as items_count
    from lines
    inner join orders on lines.source_name = orders.source_name and lines.order_id = orders.order_id
    left join products on lines.source_name = products.source_name and lines.product_id = products.product_id
    where coalesce(lines.category, products.category) is not null
    group by orders.customer_id, coalesce(lines.category, products.category)
{% endmacro %}

{# Everything that tells purchases apart from orders: the SQL, and which product is of which category. #}
{% macro purchases_definition() %}
    {%- if not execute or model.resource_type == 'unit_test' -%}{{ return('') }}{%- endif -%}
    {{- return(purchases_by_category() ~ local_md5(run_query("select coalesce(bit_xor(hash(source_name, product_id, category)), 0) || ',' || count(*) from "
        ~ ref('shop_products') ~ " where category is not null").columns[0].values()[0])) -}}
{% endmacro %}
