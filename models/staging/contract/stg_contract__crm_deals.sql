-- One row per source and deal of a CRM: the version that counts.
with landed as (
    {{ current_rows('crm_deals', key=['deal_id']) }}
),

crm_deals as (
    select
        deal_id,
        contact_id,
        stage,
        status,
        amount,
        currency,
        lost_reason,
        created_at,
        closed_at,
        updated_at,
        source_name,
        brand,
        loaded_at
    from landed
)

select * from crm_deals
