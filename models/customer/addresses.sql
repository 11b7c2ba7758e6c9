-- One row per person: the e-mail address and phone number to reach them by, each chosen by its rule (vars.survivorship).
with evidence as (select * from ({{ usable_evidence() }}) as usable where usable_email is not null or usable_phone is not null),

identity_map as (select * from {{ ref('identity_map') }}),

borne as (
    select
        identity_map.customer_id, evidence.source_name, evidence.usable_email as email, evidence.usable_phone as phone,
        {{ newest_first('evidence.used_at', 'evidence.record_type', 'evidence.source_name', 'evidence.record_id') }}
        || '/' || coalesce(evidence.usable_email, '') || '/' || coalesce(evidence.usable_phone, '') as newest_key
    from evidence
    inner join identity_map
        on evidence.source_name = identity_map.source_name
        and evidence.record_type = identity_map.record_type
        and evidence.record_id = identity_map.record_id
),

ranked as (
    select {{ same_words_counts(['email', 'phone'], 'customer_id') }} *
    from borne
),

reached as (
    select
        customer_id,
        {{ survivor('email', 'newest_key') }} as email,
        {{ survivor('phone', 'newest_key') }} as phone
    from ranked
    group by customer_id
)

select * from reached
