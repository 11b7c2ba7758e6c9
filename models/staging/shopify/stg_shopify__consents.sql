-- One row per source, customer of a Shopify store and channel that the customer agreed to or refused: as it stands.
with landed as (
    {{ current_rows('customers', key=['customer_id'], kind='shopify') }}
),

states as (select * from {{ ref('shopify_states') }}),

stated as (
    select
        customer_id, 'email' as channel, email_state as state, email_state_changed_at as state_changed_at, email_opt_in_level as opt_in_level,
        created_at, updated_at, is_deleted, source_name, brand, loaded_at
    from landed
    union all
    select
        customer_id, 'sms' as channel, phone_state as state, phone_state_changed_at as state_changed_at, null as opt_in_level,
        created_at, updated_at, is_deleted, source_name, brand, loaded_at
    from landed
),

consents as (
    select
        customer_id as contact_ref,
        'customer_id' as contact_ref_type,
        channel,
        'marketing' as purpose,
        states.meaning as status,
        -- a refusal that bears no time counts from the latest time known
        coalesce(state_changed_at, updated_at, created_at, loaded_at) as changed_at,
        cast(null as {{ dbt.type_string() }}) as jurisdiction,
        'marketing state ' || state || coalesce(', ' || opt_in_level, '') as evidence,
        source_name,
        brand,
        loaded_at
    from stated
    inner join states on states.topic = 'consent' and states.vendor_state = stated.state
    -- a tick that nobody remembers making is no consent: `treat_accepts_marketing_as` is there for those who see it otherwise
    -- and who was deleted keeps their refusal, not their permission
    where states.meaning = 'denied' or (state_changed_at is not null and not coalesce(is_deleted, false))
)

select * from consents
