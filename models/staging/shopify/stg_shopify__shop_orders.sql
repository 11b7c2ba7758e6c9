-- One row per source and order of a Shopify store: the version that counts.
with landed as (
    {{ current_rows('orders', key=['order_id'], kind='shopify') }}
),

states as (select * from {{ ref('shopify_states') }}),

shop_orders as (
    select
        order_id,
        customer_id,
        email,
        phone,
        processed_at as ordered_at,
        currency,
        -- Shopify's subtotal is what is left after discounts
        subtotal_amount + coalesce(discount_amount, 0) as subtotal_amount,
        discount_amount,
        tax_amount,
        shipping_amount,
        total_amount,
        case
            when is_test then 'test'
            when cancelled_at is not null then 'cancelled'
            -- paid and handed over is further than paid; a refund is further still
            when paid.meaning = 'paid' and handed_over.meaning = 'fulfilled' then 'fulfilled'
            when financial_status is null then null
            -- a state nobody named yet: it does not count until somebody says what it means
            else coalesce(paid.meaning, 'pending')
        end as status,
        cancelled_at,
        updated_at,
        source_name,
        brand,
        loaded_at
    from landed
    left join states as paid on paid.topic = 'order_paid' and paid.vendor_state = landed.financial_status
    left join states as handed_over
        on handed_over.topic = 'order_handed_over' and handed_over.vendor_state = landed.fulfillment_status
)

select * from shop_orders
