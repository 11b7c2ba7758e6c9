-- One row per person who bought goods of a known category: how many categories over each window, and which one most.
with purchases as (select * from {{ ref('category_purchases') }}),

totals as (
    select
        customer_id,
        {{ windowed_counts('categories_count', 'last_bought_at') }},
        -- most items, then the newest, then by name
        max_by(category, (items_count, last_bought_at, category)) as favourite_category
    from purchases
    group by customer_id
)

select * from totals
