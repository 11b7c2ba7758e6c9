-- One row per person known before as_of: who knows them, since when, and since when an address of theirs is known.
with identity_map as (select * from {{ ref('identity_map') }}),

seen as (
    select
        customer_id,
        min(first_seen_at) as first_seen_at,
        min(case when is_reachable then first_seen_at end) as reachable_from,
        {{ distinct_list('source_name') }} as sources
    from identity_map
    group by customer_id
),

known as (select * from seen where first_seen_at < {{ as_of() }})

select * from known
