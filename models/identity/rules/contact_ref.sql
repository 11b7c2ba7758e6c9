-- One row per contact reference by id that names exactly one record: of its own source, else of one other source only.
with refs as (select * from {{ ref('contact_refs') }}),

records as (select * from {{ ref('records') }}),

targets as (
    select
        source_name, record_id, node,
        case record_type when 'crm_contact' then 'contact_id' when 'shop_customer' then 'customer_id' else 'anonymous_id' end as contact_ref_type
    from records
    where record_type in ('crm_contact', 'shop_customer', 'anonymous')
),

candidates as (
    select
        refs.source_name, refs.record_type, refs.record_id, refs.contact_ref,
        targets.node as linked_node,
        refs.source_name = targets.source_name as is_own_source,
        max(case when refs.source_name = targets.source_name then 1 else 0 end)
            over (partition by refs.source_name, refs.record_type, refs.record_id) as own_count,
        count(*) over (partition by refs.source_name, refs.record_type, refs.record_id) as candidates_count
    from refs
    inner join targets on refs.contact_ref_type = targets.contact_ref_type and refs.contact_ref = targets.record_id
),

resolved as (
    select pointers.node, candidates.linked_node, candidates.contact_ref as evidence
    from candidates
    inner join records as pointers
        on candidates.source_name = pointers.source_name
        and candidates.record_type = pointers.record_type
        and candidates.record_id = pointers.record_id
    where candidates.is_own_source or (candidates.own_count = 0 and candidates.candidates_count = 1)
)

select * from resolved
