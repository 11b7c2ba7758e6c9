-- One row per source and customer of a Shopify store: the version that counts.
with landed as (
    {{ current_rows('customers', key=['customer_id'], kind='shopify') }}
),

shop_customers as (
    select
        customer_id,
        email,
        phone,
        first_name,
        last_name,
        country,
        email_state = 'SUBSCRIBED' as accepts_marketing,
        created_at,
        updated_at,
        cast(null as {{ dbt.type_string() }}) as street,
        cast(null as {{ dbt.type_string() }}) as city,
        cast(null as {{ dbt.type_string() }}) as postcode,
        source_name,
        brand,
        loaded_at
    from landed
    where not coalesce(is_deleted, false)
)

select * from shop_customers
