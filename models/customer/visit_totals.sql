-- One row per person seen on a site: when they were there last.
with site_events as (select * from {{ ref('site_events') }}),

identity_map as (select * from {{ ref('identity_map') }} where record_type in ('anonymous', 'shop_customer')),

-- per visitor first: far fewer rows have to be looked up than events
visitors as (
    select
        source_name,
        {{ visit_record_type() }} as record_type,
        {{ visit_record_id() }} as record_id,
        max(occurred_at) as last_visit_at
    from site_events
    group by source_name, {{ visit_record_type() }}, {{ visit_record_id() }}
),

totals as (
    select identity_map.customer_id, max(visitors.last_visit_at) as last_visit_at
    from visitors
    inner join identity_map
        on visitors.source_name = identity_map.source_name
        and visitors.record_type = identity_map.record_type
        and visitors.record_id = identity_map.record_id
    group by identity_map.customer_id
)

select * from totals
