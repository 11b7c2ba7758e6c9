-- One row per record of any source that can be a person, numbered for the graph.
with evidence as ({{ usable_evidence() }}),

per_record as (
    select
        source_name, record_type, record_id,
        min(seen_at) as seen_at,
        min(loaded_at) as loaded_at,
        count(usable_email) + count(usable_phone) > 0 as is_reachable
    from evidence
    group by source_name, record_type, record_id
),

-- a guest order, a message to an address, or a visitor known by nothing else, is a person only through an address that identifies somebody
persons_records as (
    select
        source_name, record_type, record_id, is_reachable,
        coalesce(seen_at, loaded_at) as first_seen_at
    from per_record
    where is_reachable
        or record_type in ('shop_customer', 'crm_contact')
        or not (record_type = 'guest_order' or record_id like 'email:%' or record_id like 'phone:%')
),

numbered as (
    -- the same number every night, so that tonight's links can be told from last night's
    select *, {{ text_number("source_name || '|' || record_type || '|' || record_id") }} as node
    from persons_records
)

select * from numbered
