{{ config(meta={'vouches_for': 'customer_orders'}) }}
-- The numbered orders that are kept from night to night equal what a build from scratch says, for a random share of people, others every
-- night. A row here is on one side only. After a whole build there is nothing to compare.
-- depends_on: {{ ref('orders') }}
{{ check_following(ref('customer_orders'), numbered_orders(is_drawn('customer_id'))) }}
