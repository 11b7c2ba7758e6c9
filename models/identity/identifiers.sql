-- One row per record and thing it bears that tells who it is, or that it is not somebody else.
with evidence as ({{ usable_evidence() }}),

records as (select * from {{ ref('records') }}),

crm_contacts as (select * from {{ ref('crm_contacts') }}),

separations as (select * from {{ ref('pinned_pairs') }} where action = 'unlink'),

set_aside as (select node from {{ ref('set_aside') }}),

borne as (
    select source_name, record_type, record_id, 'email' as identifier_type, usable_email as identifier
    from evidence
    where usable_email is not null
    union
    select source_name, record_type, record_id, 'phone', usable_phone
    from evidence
    where usable_phone is not null
    union all
    select source_name, 'crm_contact', contact_id, 'birth_on', cast(birth_on as {{ dbt.type_string() }})
    from crm_contacts
    where birth_on is not null
    {%- if var('one_account_per_person') %}
    union all
    select source_name, record_type, record_id, 'account:' || source_name || '/' || record_type, record_id
    from records
    where source_name || '/' || record_type in ({{ quoted_list(var('one_account_per_person')) }})
    {%- endif %}
),

numbered as (
    select records.node, borne.identifier_type, borne.identifier
    from borne
    inner join records
        on borne.source_name = records.source_name and borne.record_type = records.record_type and borne.record_id = records.record_id
),

kept as (
    select numbered.*
    from numbered
    left join set_aside on numbered.node = set_aside.node
    where set_aside.node is null or numbered.identifier_type not in ('email', 'phone')
    union all
    -- two records held apart are like two values of something of which a person has one
    select node, 'apart:' || pin_id, 'one' from separations
    union all
    select linked_node, 'apart:' || pin_id, 'other' from separations
)

select * from kept
