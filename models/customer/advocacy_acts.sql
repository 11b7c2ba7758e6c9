-- One row per act by which a person spoke for the shop: a referral, a good review, a score of a promoter.
with told as (select * from {{ ref('advocacy_events') }}),

identity_map as (select * from {{ ref('identity_map') }} where record_type = 'message_contact'),

-- joining a loyalty programme speaks to the shop and not for it; 9 and 10 make a promoter, 4 of 5 stars a good review
spoken_for as (
    select *
    from told
    where event_type = 'referral'
        or (event_type = 'nps' and score >= 9)
        or (event_type = 'review' and coalesce(score, 5) >= 4)
),

acts as (
    select identity_map.customer_id, spoken_for.occurred_at, spoken_for.event_type, spoken_for.source_name, spoken_for.event_id
    from spoken_for
    inner join identity_map
        on spoken_for.source_name = identity_map.source_name
        and {{ ref_record_id('spoken_for.contact_ref_type', 'spoken_for.contact_ref') }} = identity_map.record_id
)

select * from acts
