-- A published snapshot of two people; the variables are the rule versions of two stage models.
create schema publish; create schema customer; create schema lifecycle; create schema audiences;
create schema activation;
create table publish.snapshot as select '20240901T000000Z' as snapshot_id, timestamp '2024-08-31 23:00' as as_of;
create table customer.people as select * from (values
    ('ann', timestamp '2024-01-01 09:00', timestamp '2024-01-02 09:00', 'crm, shop'),
    ('bo', timestamp '2024-01-01 09:00', timestamp '2024-01-01 09:00', 'desk'))
    as t(customer_id, first_seen_at, reachable_from, sources);
create table customer.customers as select * from (values
    ('ann', 'ann@example.com', '+442079460018', 'Ann', 'Stone', 'GB'), ('bo', 'bo@example.com', null, 'Bo', null, null))
    as t(customer_id, email, phone, first_name, last_name, country);
create table customer.customer_identifiers as select * from (values
    ('shop', 'shop_customer', '7', 'ann', null, null, timestamp '2024-01-01 09:00'),
    ('crm', 'crm_contact', '8', 'ann', 'ann@example.com', null, timestamp '2024-01-02 09:00'),
    ('crm', 'crm_contact', '9', 'ann', 'family@example.com', null, timestamp '2024-01-03 09:00'),
    ('desk', 'message_contact', 'email:family@example.com', 'bo', 'family@example.com', null, timestamp '2024-01-01 09:00'))
    as t(source_name, record_type, record_id, customer_id, email, phone, first_seen_at);
create table customer.customer_redirects as select * from (values
    ('older', 'old', timestamp '2024-02-01'), ('old', 'ann', timestamp '2024-03-01'), ('gone', null, timestamp '2024-03-01'))
    as t(customer_id, into_customer_id, given_at);
create table customer.customer_orders as select * from (values
    ('shop', 'o:1', 'ann', timestamp '2024-02-01 10:00', date '2024-02-01', 1, 40.00, 'GBP', 40.00, timestamp '2024-02-10 10:00'),
    ('shop', 'o2', 'ann', timestamp '2024-02-10 10:00', date '2024-02-10', 2, 55.20, 'EUR', 95.20, timestamp '2024-05-31 23:30'),
    ('shop', 'o3', 'ann', timestamp '2024-05-31 23:30', date '2024-06-01', 3, null, 'USD', null, null))
    as t(source_name, order_id, customer_id, ordered_at, ordered_on, order_number, revenue_amount, currency, revenue_to_date_amount,
         next_ordered_at);
create table lifecycle.side_events as select * from (values
    ('bo', timestamp '2024-01-01 09:00', timestamp '2024-01-01 09:00', 'conversation', 'desk', 't1', null),
    ('bo', timestamp '2024-01-01 09:01', timestamp '2024-01-01 09:01', 'inbound_message', 'desk', 'm1', null),
    ('bo', timestamp '2024-02-05 09:00', timestamp '2024-02-05 09:00', 'source_stage', 'desk', 's1', 'unqualified'))
    as t(customer_id, told_at, occurred_at, fact, source_name, event_id, stage);
create table customer.customer_timeline as select * from (values
    ('bo', timestamp '2024-01-01 09:01', 'message_inbound', 'whatsapp', 'desk', 'm1', null::decimal(18, 4)),
    ('bo', timestamp '2024-02-05 09:00', 'crm_stage_changed', null, 'desk', 's1', null))
    as t(customer_id, occurred_at, event_type, channel, source_name, source_id, amount);
create table lifecycle.stage_history as select *, case stage_model when 'five_stage' then getvariable('five_stage') else getvariable('conversation_funnel') end as rule_version
    from (values
    ('ann', 'five_stage', 'awareness', 'active', null, timestamp '2024-01-01 09:00', timestamp '2024-01-02 09:00', 'first_seen'),
    ('ann', 'five_stage', 'acquisition', 'active', null, timestamp '2024-01-02 09:00', timestamp '2024-02-01 10:00', 'reachable'),
    ('ann', 'five_stage', 'conversion', 'active', null, timestamp '2024-02-01 10:00', timestamp '2024-02-10 10:00', 'order:shop:o:1'),
    ('ann', 'five_stage', 'retention', 'active', null, timestamp '2024-02-10 10:00', timestamp '2024-05-10 23:00', 'order:shop:o2'),
    ('ann', 'five_stage', 'lapsed', 'lapsed', null, timestamp '2024-05-10 23:00', timestamp '2024-05-31 23:30',
     'time:days_since_last_order:90'),
    ('ann', 'five_stage', 'retention', 'active', null, timestamp '2024-05-31 23:30', timestamp '2024-08-30 23:00', 'order:shop:o3'),
    ('ann', 'five_stage', 'lapsed', 'lapsed', null, timestamp '2024-08-30 23:00', null, 'time:days_since_last_order:90'),
    ('bo', 'conversation_funnel', 'new_lead', 'active', null, timestamp '2024-01-01 09:00', timestamp '2024-02-01 00:00', 'first_seen'),
    ('bo', 'conversation_funnel', 'cold_lead', 'lost', 'stopped_replying', timestamp '2024-02-01 00:00', timestamp '2024-02-05 09:00',
     'time:days_since_last_inbound:30'),
    ('bo', 'conversation_funnel', 'unqualified', 'lost', 'no budget', timestamp '2024-02-05 09:00', null, 'source_stage:desk:s1'))
    as t(customer_id, stage_model, stage, kind, lost_reason, valid_from, valid_to, cause_event_id);
create table lifecycle.customer_stages as select customer_id, stage_model, stage, upper(stage[1]) || stage[2:] as stage_label,
    case stage when 'lapsed' then 'Win back' else 'Leave in peace' end as next_action from lifecycle.stage_history where valid_to is null;
create table lifecycle.losses as select * from (values
    ('bo', 'conversation_funnel', timestamp '2024-02-01 00:00', null, 'spring', 42.0, 'm1'),
    ('bo', 'conversation_funnel', timestamp '2024-02-05 09:00', 'agent', 'spring', 42.0, 'm1'))
    as t(customer_id, stage_model, lost_at, lost_by, lead_campaign, first_reply_minutes, unanswered_message_id);
create table customer.customer_consents as select * from (values
    ('ann', 'email', 'marketing', 'acme', 'granted', timestamp '2024-01-02 09:00', 'crm', 'footer box'),
    ('ann', 'sms', 'marketing', null, 'denied', null, 'shop', null))
    as t(customer_id, channel, purpose, brand, status, changed_at, source_name, evidence);
create table lifecycle.risk_signals as select * from (values
    ('ann', 92, 0, 25.5, 0, 0, true, false, true, false, false, 2), ('bo', 3, 1, null, 2, 0, false, true, false, true, false, 2))
    as t(customer_id, inactive_days, unanswered_questions_count, usual_gap_days, objections_count, unresolved_conversations_count,
         is_inactive, has_unanswered_questions, is_past_own_gap, has_repeated_objections, has_unresolved_issues, flags_count);
create table lifecycle.conversation_priorities as select * from (values
    ('bo', 'desk', '+447700900123', 'whatsapp', 'kim@shop.example', timestamp '2024-01-01 09:00', 4, 'lost', 'somebody lost before, waits'))
    as t(customer_id, source_name, conversation_id, channel, owner_id, opened_at, priority_rank, priority, reason);
create table audiences.win_back as select 'ann' as customer_id;
create table audiences.birthdays as select 'bo' as customer_id, 'k' as event_key;
create table activation.memberships as select 'win_back' as audience, 'mailer' as destination, 'ann' as customer_id,
    timestamp '2024-05-12 03:00' as member_since;
create table activation.deliveries as select * from (values
    ('win_back', 'mailer', 'ann', 'join', 'acknowledged', null, timestamp '2024-05-12 02:00', timestamp '2024-05-12 03:00'),
    ('news', 'mailer', 'ann', 'join', 'refused', 'no consent', timestamp '2024-05-13 02:00', null))
    as t(audience, destination, customer_id, action, status, reason, created_at, acknowledged_at);
create table customer.repeat_times as select 12 as recent_days, 34 as nurture_days, 56 as risk_days;
