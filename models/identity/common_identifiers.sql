{% set limits = var('identity_limits') %}
-- One row per address that too many records bear to be one person's: a till's e-mail, a call centre's number.
with evidence as (select * from {{ ref('evidence') }}),

borne as (
    select 'email' as identifier_type, usable_email as identifier, source_name, record_type, record_id
    from evidence
    where usable_email is not null
    union all
    select 'phone', usable_phone, source_name, record_type, record_id
    from evidence
    where usable_phone is not null
),

-- a record may stand here several times, so this only says which are worth counting
frequent as (
    select identifier_type, identifier
    from borne
    group by identifier_type, identifier
    having count(*) > {{ [limits.email.accounts, limits.phone.accounts] | min }}
),

counted as (
    select
        borne.identifier_type, borne.identifier,
        count(distinct borne.source_name || '|' || borne.record_type || '|' || borne.record_id) as records_count,
        count(distinct case
            when borne.record_type not in ('guest_order', 'anonymous') then borne.source_name || '|' || borne.record_type || '|' || borne.record_id
        end) as accounts_count
    from borne
    inner join frequent on borne.identifier_type = frequent.identifier_type and borne.identifier = frequent.identifier
    group by borne.identifier_type, borne.identifier
),

too_common as (
    select *
    from counted
    where records_count > {{ identity_limit('identifier_type', 'records') }}
        or accounts_count > {{ identity_limit('identifier_type', 'accounts') }}
)

select * from too_common
