-- One row per source and account of a WooCommerce store: the version that counts. Guests have none.
with landed as (
    {{ current_rows('customers', key=['customer_id'], kind='woocommerce') }}
),

states as (select * from {{ ref('woocommerce_states') }}),

shop_customers as (
    select
        customer_id,
        email,
        phone,
        first_name,
        last_name,
        country,
        -- no word at all is no answer; a word that nobody named as a yes is none
        case when opt_in is not null then coalesce(said.meaning = 'granted', false) end as accepts_marketing,
        created_at,
        updated_at,
        cast(null as {{ dbt.type_string() }}) as street,
        cast(null as {{ dbt.type_string() }}) as city,
        cast(null as {{ dbt.type_string() }}) as postcode,
        source_name,
        brand,
        loaded_at
    from landed
    left join states as said on said.topic = 'opt_in' and said.vendor_state = lower(trim(landed.opt_in))
    where not coalesce(is_deleted, false)
)

select * from shop_customers
