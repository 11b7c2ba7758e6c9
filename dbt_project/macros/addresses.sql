{# What counts as an identifier. Most e-mail addresses are normalised here; those that take more than trimming and lower case
   (email_addresses) and phone numbers (phone_numbers) by landing. perennial/config/identifiers.py is the reference of both. #}

{# Whether an address takes no more than trimming and lower case: PLAIN of the reference. chr(39) is an apostrophe, which DuckDB and Spark
   write in different ways inside quotes. #}
{% macro is_plain_email(email) %}
    {{- return(matches(email, "^ *[a-zA-Z0-9!#$%&' || chr(39) || '*+/=?^_`{|}~.-]+@[a-zA-Z0-9_-]+([.][a-zA-Z0-9_-]+)+ *$")) -}}
{% endmacro %}

{# An e-mail address as compared, null where it is not exactly one address. `looked_up` is what email_addresses has for it. #}
{% macro normalised_email(email, looked_up='null') %}
    {%- set rules = var('email_provider_rules', {}) -%}
    case
        when {{ is_plain_email(email) }} then {{ with_provider_rules("lower(trim(" ~ email ~ "))", rules) }}
        else {{ with_provider_rules(looked_up, rules) if looked_up != 'null' else 'null' }}
    end
{%- endmacro %}

{# What identifies nobody is reported too, so it has a form in which it is counted: the address, else the words in its place. #}
{% macro compared_email(email, normalised) %}
    {{- return("coalesce(" ~ normalised ~ ", lower(trim(" ~ email ~ ")))") -}}
{% endmacro %}

{# The address that a provider delivers to, by the rules that are switched on (vars). #}
{% macro with_provider_rules(address, rules) %}
    {%- if not rules -%}{{ return(address) }}{%- endif -%}
    {%- set local, domain = "split_part(" ~ address ~ ", '@', 1)", "split_part(" ~ address ~ ", '@', 2)" -%}
    {%- set others = {'otherwise': address} -%}
    {%- set cases = [] -%}
    {%- for name, rule in rules.items() -%}
        {%- set unknown = rule.keys() | reject('in', ['aliases', 'ignore_dots', 'ignore_plus_tags']) | list -%}
        {%- if unknown -%}
            {{- exceptions.raise_compiler_error(
                "email_provider_rules: " ~ name ~ " has " ~ unknown | join(', ') ~ "; write aliases, ignore_dots or ignore_plus_tags"
            ) -}}
        {%- endif -%}
        {%- set who = namespace(local=local) -%}
        {%- if rule.get('ignore_plus_tags') -%}
            {%- set who.local = "coalesce(nullif(split_part(" ~ who.local ~ ", '+', 1), ''), " ~ who.local ~ ")" -%}
        {%- endif -%}
        {%- if rule.get('ignore_dots') -%}
            {%- set who.local = "coalesce(nullif(replace(" ~ who.local ~ ", '.', ''), ''), " ~ who.local ~ ")" -%}
        {%- endif -%}
        {%- if name == '*' -%}
            {%- do others.update({'otherwise': who.local ~ " || '@' || " ~ domain}) -%}
        {%- else -%}
            {%- set domains = quoted_list([name] + (rule.get('aliases') or [])) -%}
            {%- do cases.append("when " ~ domain ~ " in (" ~ domains ~ ") then " ~ who.local ~ " || " ~ quoted_list(['@' ~ name])) -%}
        {%- endif -%}
    {%- endfor -%}
    {{- return("case " ~ cases | join(' ') ~ " else " ~ others.otherwise ~ " end" if cases else others.otherwise) -}}
{% endmacro %}

{# The comma-separated, quoted and lower-cased values of a list in vars. #}
{% macro quoted_list(values) %}
    {%- set quoted = [] -%}
    {%- for value in values -%}{%- do quoted.append("'" ~ (value | string | lower | replace("'", "''")) ~ "'") -%}{%- endfor -%}
    {{- return(quoted | join(', ')) -}}
{% endmacro %}

{# Whether an address as compared stands for "none": one of the listed values, or anybody's address that begins with a listed word. #}
{% macro email_placeholder(address) %}
    {{- return(
        "(" ~ address ~ " in (" ~ quoted_list(var('placeholder_emails') + var('placeholder_ids')) ~ ")"
        ~ " or split_part(" ~ address ~ ", '@', 1) in (" ~ quoted_list(var('placeholder_email_local_parts')) ~ "))"
    ) -}}
{% endmacro %}

{# The normalised address where it can tell one person from another, else null. #}
{% macro usable_email(email, looked_up='null') %}
    {%- set address = normalised_email(email, looked_up) -%}
    case when not {{ email_placeholder(address) }} then {{ address }} end
{%- endmacro %}

{# What a phone number is counted as: E.164, else what was delivered in its place, without punctuation. #}
{% macro compared_phone(phone, e164) %}
    {%- set word = "lower(trim(" ~ phone ~ "))" -%}
    case
        when {{ e164 }} is not null then {{ e164 }}
        when {{ word }} in ({{ quoted_list(var('placeholder_ids')) }}) then {{ word }}
        else coalesce(nullif({{ replace_all(phone, '[^0-9+]', '') }}, ''), {{ word }})
    end
{%- endmacro %}

{#
    Whether a phone number stands for "none": a word for it, a listed number, or one whose last digits are all the same or count up or
    down; 8 of them (vars), for the country and what a shop's form puts before them vary. `digits` is the number as delivered or as compared.
#}
{% macro phone_placeholder(digits, e164) %}
    {%- set number = "case when " ~ e164 ~ " is not null then substr(" ~ e164 ~ ", 2) else " ~ replace_all(digits, '[^0-9]', '') ~ " end" -%}
    {%- set tail = "right(" ~ number ~ ", " ~ var('placeholder_phone_run') ~ ")" -%}
    {%- set listed = quoted_list(var('placeholder_phone_digits')) -%}
    (
        ({{ e164 }} is null and lower(trim({{ digits }})) in ({{ quoted_list(var('placeholder_ids')) }}))
        or (
            {{ number }} <> ''
            and (
                {{ tail }} = repeat(right({{ number }}, 1), length({{ tail }}))
                or instr('01234567890123456789', {{ tail }}) > 0
                or instr('98765432109876543210', {{ tail }}) > 0
                or {{ number }} in ({{ listed }})
                or right({{ number }}, 10) in ({{ listed }})
            )
        )
    )
{%- endmacro %}

{# The E.164 number where it can tell one person from another, else null. #}
{% macro usable_phone(phone, e164) %}
    case when not {{ phone_placeholder(phone, e164) }} then {{ e164 }} end
{%- endmacro %}
