{% set tables = {
    'shop_customers': ['created_at', 'updated_at'], 'shop_products': ['updated_at'], 'shop_orders': ['ordered_at', 'updated_at'],
    'shop_order_lines': [], 'shop_refunds': ['refunded_at'], 'shop_checkouts': ['started_at', 'updated_at'], 'shop_checkout_lines': [],
    'stock_changes': ['changed_at'], 'site_events': ['occurred_at'], 'crm_contacts': ['created_at', 'updated_at'],
    'crm_deals': ['created_at', 'updated_at'], 'crm_stage_changes': ['changed_at'], 'appointments': ['booked_at'],
    'conversations': ['opened_at'], 'assignments': ['assigned_at'], 'campaigns': ['started_at'], 'messages': ['sent_at'],
    'message_events': ['occurred_at'], 'consents': ['changed_at'], 'advocacy_events': ['occurred_at'], 'exchange_rates': ['on_date'],
} %}
-- One row per source and input table: rows known before as_of, and the newest event or update among them.
with watermarks as (
    {%- for table, times in tables.items() %}
    select
        source_name, '{{ table }}' as table_name, count(*) as rows_count,
        {% if times | length == 2 -%}
        greatest({% for at in times %}max(case when {{ at }} < {{ as_of() }} then {{ at }} end){{ ', ' if not loop.last }}{% endfor %})
        {%- elif times -%}
        max(case when {{ times[0] }} < {{ as_of() }} then cast({{ times[0] }} as timestamp) end)
        {%- else -%}
        cast(null as timestamp)
        {%- endif %} as watermark_at
    from {{ ref(table) }}
    group by source_name
    {%- if not loop.last %} union all {%- endif %}
    {%- endfor %}
)

select * from watermarks
