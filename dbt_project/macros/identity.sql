{# What counts as an identifier. Normalisation is here and nowhere else; phone numbers are normalised by landing (phone_numbers). #}

{# An e-mail address as compared: composed, lower case, without invisible characters, and without what mail programs put around it
   ("Jo <jo@example.com>", "mailto:", a last full stop). #}
{% macro normalised_email(email) %}
    {%- set is_wrapped = email ~ " like '%<%' or " ~ email ~ " like '%:%' or trim(" ~ email ~ ") like '%.'" -%}
    {%- set bare = replace_all(email, '^[^<]*<|>.*$|^\\s*[Mm][Aa][Ii][Ll][Tt][Oo]:|\\.+\\s*$', '') -%}
    {%- set address = "case when " ~ is_wrapped ~ " then " ~ bare ~ " else " ~ email ~ " end" -%}
    {{- return("lower(trim(" ~ replace_all(nfc(address), '[\\s\\x{200B}-\\x{200F}\\x{2060}\\x{FEFF}\\x{00AD}\\x{00A0}]', '') ~ "))") -}}
{% endmacro %}

{# The comma-separated, quoted and lower-cased values of a list in vars. #}
{% macro quoted_list(values) %}
    {%- set quoted = [] -%}
    {%- for value in values -%}{%- do quoted.append("'" ~ (value | string | lower | replace("'", "''")) ~ "'") -%}{%- endfor -%}
    {{- return(quoted | join(', ')) -}}
{% endmacro %}

{# The normalised address where it can tell one person from another, else null. #}
{% macro usable_email(email) %}
    {%- set address = normalised_email(email) -%}
    case
        when {{ email }} is null then null
        when not {{ matches(address, '^[^@\\s]+@[^@\\s]+\\.[^@\\s.]+$') }} then null
        when {{ address }} in ({{ quoted_list(var('placeholder_emails')) }}) then null
        when split_part({{ address }}, '@', 1) in ({{ quoted_list(var('placeholder_email_local_parts')) }}) then null
        else {{ address }}
    end
{% endmacro %}

{# The E.164 number where it can tell one person from another, else null. #}
{% macro usable_phone(phone, e164) %}
    {%- set digits = replace_all(phone, '[^0-9]', '') -%}
    case when {{ digits }} in ({{ quoted_list(var('placeholder_phone_digits')) }}) then null else {{ e164 }} end
{% endmacro %}

{# The record an order belongs to: its shop's customer, else the guest who placed it. #}
{% macro order_record_type(customer_id) %}
    {{- return("case when " ~ customer_id ~ " is null then 'guest_order' else 'shop_customer' end") -}}
{% endmacro %}

{# The record behind a contact reference of a source: contacts and customers by id, everything else by the reference itself. #}
{% macro ref_record_id(contact_ref_type, contact_ref) %}
    {{- return(contact_ref_type ~ " || ':' || " ~ contact_ref) -}}
{% endmacro %}

{# Everybody who bears an identifier, linked to the first who bears it: a star, so that no pair is ever joined with every other. #}
{% macro star_links(bearers) %}
    select node, linked_node, identifier as evidence
    from (select node, min(node) over (partition by identifier) as linked_node, identifier from {{ bearers }}) as starred
    where node > linked_node
{% endmacro %}

{# A text that sorts by what wins when records of one person disagree: newest, then the CRM's, then by record. #}
{% macro newest_first(at, record_type, source_name, record_id) %}
    {{- return(
        "coalesce(cast(" ~ at ~ " as " ~ dbt.type_string() ~ "), '') || case " ~ record_type ~ " when 'crm_contact' then '2' when 'shop_customer' then '1' else '0' end || "
        ~ source_name ~ " || '/' || " ~ record_id
    ) -}}
{% endmacro %}
