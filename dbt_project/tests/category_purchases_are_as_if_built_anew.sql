{{ config(meta={'vouches_for': 'category_purchases'}) }}
-- The purchases by category that are kept from night to night equal what a build from scratch says, for a random share of people, others every
-- night. A row here is on one side only. After a whole build there is nothing to compare.
-- depends_on: {{ ref('orders') }}
-- depends_on: {{ ref('shop_order_lines') }}, {{ ref('shop_products') }}
{{ check_following(ref('category_purchases'), purchases_by_category(is_drawn('customer_id'))) }}
