{# How records of sources become nodes and links of the identity graph. What counts as an address is in addresses.sql. #}

{# The record an order belongs to: its shop's customer, else the guest who placed it. #}
{% macro order_record_type(customer_id) %}
    {{- return("case when " ~ customer_id ~ " is null then 'guest_order' else 'shop_customer' end") -}}
{% endmacro %}

{# The record behind a contact reference of a source: contacts and customers by id, everything else by the reference itself. #}
{% macro ref_record_id(contact_ref_type, contact_ref) %}
    {{- return(contact_ref_type ~ " || ':' || " ~ contact_ref) -}}
{% endmacro %}

{# The record a visit belongs to: the account signed in with, else the visitor by cookie, else by the address they left. #}
{% macro visit_record_type() %}{{ return("case when customer_id is null then 'anonymous' else 'shop_customer' end") }}{% endmacro %}

{% macro visit_record_id() %}{{ return("coalesce(customer_id, anonymous_id, 'email:' || email)") }}{% endmacro %}

{# Everybody who bears an identifier, linked to the first who bears it: a star, so that no pair is ever joined with every other. #}
{% macro star_links(bearers) %}
    select node, linked_node, identifier as evidence
    from (select node, min(node) over (partition by identifier) as linked_node, identifier from {{ bearers }}) as starred
    where node > linked_node
{% endmacro %}

{# A text that sorts by what wins when records of one person disagree: newest, then the CRM's, then by record. Times are of one length, with
   parts of a second or without; what bears none comes before all others. #}
{% macro newest_first(at, record_type, source_name, record_id) %}
    {{- return(
        "rpad(coalesce(cast(" ~ at ~ " as " ~ dbt.type_string() ~ "), ''), 26, '.') || case " ~ record_type ~ " when 'crm_contact' then '2' when 'shop_customer' then '1' else '0' end || "
        ~ source_name ~ " || '/' || " ~ record_id
    ) -}}
{% endmacro %}
