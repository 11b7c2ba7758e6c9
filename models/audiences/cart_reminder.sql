-- One row per cart that somebody who agreed to marketing e-mail left behind and is to be reminded of now.
with trigger_events as (select * from {{ ref('trigger_events') }} where trigger_name = 'cart_abandonment' and status = 'due'),

consenting as ({{ consenting('email', 'marketing') }}),

members as (
    select trigger_events.customer_id, trigger_events.event_key, trigger_events.occurred_at
    from trigger_events
    inner join consenting on trigger_events.customer_id = consenting.customer_id
)

select * from members
