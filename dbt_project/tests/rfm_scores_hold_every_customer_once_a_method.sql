-- All methods score the same people, those with a valid order; split makes fifths whose sizes differ by one at most.
with scores as (select * from {{ ref('rfm_scores') }}),

customers as (select count(*) as customers_count from {{ ref('customer_orders') }} where order_number = 1),

counts as (select method, count(*) as scored_count from scores group by method),

fifths as (
    {% for score in ['r_score', 'f_score', 'm_score'] %}
    select '{{ score }}' as score, {{ score }} as fifth, count(*) as people_count
    from scores
    where method = 'split' and {{ score }} is not null
    group by {{ score }}
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

uneven as (select score, max(people_count) - min(people_count) as spread from fifths group by score)

select 'methods' as what, customers.customers_count as rows_count
from customers
where customers.customers_count > 0 and (select count(*) from counts where scored_count = customers.customers_count) <> 4
union all
select score, spread from uneven where spread > 1
