-- One row per person: the sources that know them, comma-separated and sorted.
with identifiers as (select distinct customer_id, source_name from {{ ref('customer_identifiers') }}),

listed as (
    select customer_id, {{ sorted_list('source_name') }} as sources
    from identifiers
    group by customer_id
)

select * from listed
