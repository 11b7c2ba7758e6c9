-- One row per source and deal of a CRM, as known before as_of.
with delivered as ({{ delivered('crm_deals') }}),

known as (
    select
        -- a deal closed at as_of or later is still open
        deal_id,
        {{ real_id('contact_id') }} as contact_id,
        stage,
        case when closed_at >= {{ as_of() }} and status in ('won', 'lost') then 'open' else status end as status,
        amount,
        currency,
        {{ undo_later('lost_reason', 'closed_at') }} as lost_reason,
        created_at,
        {{ undo_later('closed_at', 'closed_at') }} as closed_at,
        updated_at,
        source_name,
        brand,
        loaded_at
    from delivered
    where created_at < {{ as_of() }}
)

select * from known
