-- One row per person who may be sent marketing: the channels that they agreed to and have an address for, as one sorted text.
with consents as (select * from {{ ref('customer_consents') }} where purpose = 'marketing'),

addresses as (select * from {{ ref('addresses') }}),

-- one brand's denial is enough here: this column names no brand
agreed as (
    select customer_id, channel, {{ address_kind('channel') }} as address_kind
    from consents
    group by customer_id, channel
    having min(case status when 'granted' then 1 else 0 end) = 1
),

-- a post address is not part of the input; ads need none of ours; nobody is sent to in person
reachable as (
    select agreed.customer_id, agreed.channel
    from agreed
    left join addresses on agreed.customer_id = addresses.customer_id
    where agreed.channel not in ('direct_mail', 'in_person', 'ads')
        and case agreed.address_kind
            when 'email' then addresses.email is not null
            when 'phone' then addresses.phone is not null
            else true
        end
),

listed as (
    select customer_id, {{ distinct_list('channel') }} as reachable_channels
    from reachable
    group by customer_id
)

select * from listed
