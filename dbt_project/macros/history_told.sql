{# What people do beside ordering, as sources tell it: written once for lifecycle.side_events, what a night changes in it, its check, and history_inputs. #}

{# One row per event of a record, before it is known whose the record is. Facts that no declared stage speaks of are not gathered. #}
{% macro told_of_records() %}
    select
        source_name, 'conversation_contact' as record_type, {{ ref_record_id('contact_ref_type', 'contact_ref') }} as record_id,
        opened_at as occurred_at, 'conversation' as fact, conversation_id as event_id, cast(null as {{ dbt.type_string() }}) as stage,
        cast(null as {{ dbt.type_string() }}) as reason
    from {{ ref('conversations') }}
    where {{ 'true' if bounds_of('conversations_count') else 'false' }}
    union all
    select
        source_name, 'message_contact', {{ ref_record_id('contact_ref_type', 'contact_ref') }},
        sent_at, 'inbound_message', message_id, null, null
    from {{ ref('messages') }}
    where direction = 'inbound' and {{ 'true' if bounds_of('inbound_messages_count') or bounds_of('days_since_last_inbound') else 'false' }}
    union all
    select source_name, 'crm_contact', contact_id, changed_at, 'source_stage', change_id, coalesce({{ source_stage_name('to_stage') }}, ''), reason
    from {{ ref('crm_stage_changes') }}
    where {{ 'true' if bounds_of('source_stage') else 'false' }}
    union all
    select source_name, 'crm_contact', contact_id, created_at, 'deal_opened', deal_id, null, null
    from {{ ref('crm_deals') }}
    where {{ 'true' if bounds_of('open_deals_count') else 'false' }}
    union all
    select source_name, 'crm_contact', contact_id, closed_at, 'deal_closed', deal_id, null, null
    from {{ ref('crm_deals') }}
    where closed_at is not null and status in ('won', 'lost') and {{ 'true' if bounds_of('open_deals_count') else 'false' }}
{% endmacro %}

{# The same of people themselves. #}
{% macro told_of_people() %}
    select customer_id, occurred_at, 'advocacy' as fact, source_name, event_id
    from {{ ref('advocacy_acts') }}
    where {{ 'true' if bounds_of('advocacy_count') else 'false' }}
{% endmacro %}

{#
    What lifecycle.side_events is: all of it, or the parts [{told, people}] that conditions on occurred_at and on customer_id name, none of
    which share a row. Each part reads its sources itself: an engine would put aside whole what is read twice.
#}
{% macro told_events(parts=[{}]) %}
with people as (select customer_id, first_seen_at from {{ ref('people') }}),

owned as (
    {%- for part in parts %}
    select identifiers.customer_id, told.occurred_at, told.fact, told.source_name, told.event_id, told.stage
    from (select * from ({{ told_of_records() }}) as told where {{ part.get('told', 'true') }}) as told
    inner join (select * from {{ ref('customer_identifiers') }} as identifiers where {{ part.get('people', 'true') }}) as identifiers
        on told.source_name = identifiers.source_name
        and told.record_type = identifiers.record_type
        and told.record_id = identifiers.record_id
    union all
    select customer_id, occurred_at, fact, source_name, event_id, null
    from ({{ told_of_people() }}) as told
    where {{ part.get('told', 'true') }} and {{ part.get('people', 'true') }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

-- a history begins when the person is first seen: what is dated before that held from the beginning
told_events as (
    select
        owned.customer_id, owned.occurred_at as told_at, greatest(owned.occurred_at, people.first_seen_at) as occurred_at, owned.fact, owned.source_name, owned.event_id,
        owned.stage
    from owned
    inner join people on owned.customer_id = people.customer_id
)

select * from told_events
{% endmacro %}
