{# What audiences have in common. #}

{# Who agreed to a channel and purpose: no statement is no consent, and one brand's denial is enough, since no audience here names a brand. #}
{% macro consenting(channel, purpose) %}
    select customer_id
    from {{ ref('customer_consents') }}
    where channel = '{{ channel }}' and purpose = '{{ purpose }}'
    group by customer_id
    having min(case status when 'granted' then 1 else 0 end) = 1
{%- endmacro %}
