-- One row per month and stage held when it began: customers of the month before in that stage, and how many of them ordered again.
with order_pairs as (select * from {{ ref('order_pairs') }}),

months as (select period_start_on as month_on, {{ local_midnight('period_start_on') }} as began_at from {{ ref('periods') }} where grain = 'month'),

stays as (select * from {{ ref('stage_history') }} where stage_model = 'five_stage'),

-- a person's last order of a month stands for the month; the next one tells whether they came in the month after
last_orders as (
    select
        customer_id,
        {{ next_period_start(period_start('ordered_on', 'month'), 'month') }} as month_on,
        {{ period_start('next_ordered_on', 'month') }} as next_month_on
    from order_pairs
    where next_ordered_on is null or {{ period_start('next_ordered_on', 'month') }} > {{ period_start('ordered_on', 'month') }}
),

begun as (
    select last_orders.*, months.began_at
    from last_orders
    inner join months on last_orders.month_on = months.month_on
),

monthly_stages as (
    select
        begun.month_on, coalesce(stays.stage, '(none)') as stage,
        count(*) as previous_active_count,
        count(case when begun.next_month_on = begun.month_on then 1 end) as retained_count
    from begun
    left join stays
        on begun.customer_id = stays.customer_id
        and stays.valid_from <= begun.began_at
        and (stays.valid_to is null or begun.began_at < stays.valid_to)
    group by begun.month_on, coalesce(stays.stage, '(none)')
)

select * from monthly_stages
