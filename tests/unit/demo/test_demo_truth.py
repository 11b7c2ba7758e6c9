"""The demo world's hidden truth agrees with its exports, and each oddity is there in the stated share."""

from __future__ import annotations

import duckdb
import pytest

from tests.unit.demo.world import SCALE, one


def test_truth_has_each_record_of_each_system_once(connection: duckdb.DuckDBPyConnection) -> None:
    pointing = {
        "message_contact": ("messaging_messages", "messaging_consents", "messaging_advocacy_events", "shop_consents",
                            "crm_consents"),
        "conversation_contact": ("messaging_conversations", "crm_appointments"),
    }  # fmt: skip
    guest = "customer_id is null and (email is not null or phone is not null)"
    parts = [
        "select 'shop', 'shop_customer', cast(customer_id as varchar) from shop_shop_customers",
        "select 'outlet', 'shop_customer', customer_id from outlet_shop_customers",
        "select 'crm', 'crm_contact', contact_id from crm_crm_contacts",
        f"select 'shop', 'guest_order', cast(order_id as varchar) from shop_shop_orders where {guest}",
        f"select 'outlet', 'guest_order', cast(order_id as varchar) from outlet_shop_orders where {guest}",
        "select 'shop', 'guest_order', 'checkout:' || checkout_id from shop_shop_checkouts"
        " where customer_id is null and email is not null",
        "select 'shop', 'anonymous', anonymous_id from shop_site_events",
    ]
    for record_type, views in pointing.items():
        parts += [
            f"select '{view.split('_')[0]}', '{record_type}', contact_ref_type || ':' || contact_ref from {view}"
            for view in views
        ]
    delivered = " union ".join(parts)
    known = "select source_name, record_type, record_id from truth_records"
    assert connection.execute(f"({delivered}) except ({known}) limit 3").fetchall() == []
    extra = (
        f"({known} where not (record_type = 'guest_order' and not has_clean_identifier)) except ({delivered}) limit 3"
    )
    assert connection.execute(extra).fetchall() == []
    assert (
        one(connection, f"select count(*) - count(distinct (source_name, record_type, record_id)) from ({known})") == 0
    )


def test_a_record_is_called_linkable_only_where_another_of_its_person_bears_the_same_address(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    """Checked for contacts with an e-mail and no second contact: against the shop's accounts and messages directly."""
    sql = """
        with truth as (select record_id, person_id, is_clean_identifier_shared as said from truth_records
                       where record_type = 'crm_contact'),
        alone as (select person_id from truth group by person_id having count(*) = 1),
        mails as (
            select lower(trim(email)) as email from shop_shop_customers union all
            select lower(trim(email)) from outlet_shop_customers union all
            select lower(trim(email)) from shop_shop_orders where customer_id is null union all
            select lower(trim(email)) from outlet_shop_orders where customer_id is null union all
            select lower(trim(email)) from shop_shop_checkouts where customer_id is null union all
            select email from shop_site_events union all
            select contact_ref from messaging_messages union all select contact_ref from messaging_consents union all
            select contact_ref from messaging_conversations union all select contact_ref from messaging_advocacy_events
        ),
        contacts as (
            select contact_id, lower(trim(email)) in (select email from mails where email is not null) as found
            from crm_crm_contacts
            where email like '%@%' and lower(trim(email)) not in ('test@test.com', 'noreply@example.com')
                and phone is null and contact_id not in (select contact_ref from crm_consents)
                and contact_id not in (select contact_ref from crm_appointments)
        )
        select count(*), count_if(found <> said), count_if(found), count_if(not found)
        from contacts join truth on contact_id = record_id join alone using (person_id)
    """
    count, wrong, found, lonely = connection.execute(sql).fetchall()[0]
    assert count > 200 and found > 100 and lonely > 5
    assert wrong == 0


def test_linked_groups_hold_one_person_and_join_what_shares_an_address_or_was_merged(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    per_group = (
        "(select count(distinct person_id) as persons, count(*) as records from truth_records group by linked_group)"
    )
    assert one(connection, f"select max(persons) from {per_group}") == 1
    assert one(connection, f"select max(records) from {per_group}") > 5
    torn = """
        with addresses as (
            select 'crm' as source_name, contact_id as record_id, lower(trim(email)) as email from crm_crm_contacts
            union all select 'shop', cast(customer_id as varchar), lower(trim(email)) from shop_shop_customers
            union all select 'outlet', customer_id, lower(trim(email)) from outlet_shop_customers
        ),
        placed as (
            select email, linked_group from addresses join truth_records using (source_name, record_id)
            where email like '%@%' and email not in ('test@test.com', 'noreply@example.com')
        )
        select count_if(groups > 1), count_if(records > 1)
        from (select count(distinct linked_group) as groups, count(*) as records from placed group by email)
    """
    assert connection.execute(torn).fetchall()[0][0] == 0
    assert connection.execute(torn).fetchall()[0][1] > 500
    merged = """
        with contact as (select record_id, linked_group from truth_records where record_type = 'crm_contact')
        select count(*), count_if(a.linked_group <> b.linked_group) from crm_crm_contacts
        join contact as a on a.record_id = contact_id join contact as b on b.record_id = merged_into_id
    """
    count, apart = connection.execute(merged).fetchall()[0]
    assert count > 20 and apart == 0


def test_truth_names_the_day_each_person_left_and_nobody_buys_unprompted_after_it(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    assert one(connection, "select count(*) from truth_people") == SCALE.people
    assert one(connection, "select count(*) from truth_people where churned_on is null") == 0
    after = """
        select count(*) from outlet_shop_orders as orders
        join truth_records on record_type = 'shop_customer' and record_id = customer_id and source_name = 'outlet'
        join truth_people using (person_id)
        where cast(ordered_at as date) > churned_on + 1
    """  # no win-back order falls to the outlet
    assert one(connection, after) == 0


def test_the_win_back_message_did_what_truth_says_and_the_holdout_got_none(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    groups = dict(connection.execute("select win_back_group, count(*) from truth_win_back group by all").fetchall())
    assert 0.22 < groups["holdout"] / (groups["holdout"] + groups["treated"]) < 0.38
    sent = one(connection, "select count(*) from messaging_messages where automation_id = 'win_back'")
    assert sent == groups["treated"]
    assert (
        one(connection, "select count(*) from truth_win_back where brought_order and win_back_group = 'holdout'") == 0
    )
    treated = "from truth_win_back where win_back_group = 'treated'"
    expected, brought = one(connection, f"select sum(true_effect) {treated}"), one(
        connection, f"select count_if(brought_order) {treated}"
    )  # fmt: skip
    assert abs(brought - expected) < 4 * expected**0.5  # four standard deviations of a Poisson count
    assert one(connection, "select count(*) from truth_people where win_back_effect not between 0 and 0.5") == 0


@pytest.mark.parametrize(
    ("what", "sql", "low", "high"),
    [
        ("orders with a refund", "select (select count(distinct order_id) from shop_shop_refunds)"
         " / count(distinct order_id) from shop_shop_orders", 0.05, 0.11),
        ("refunds that name no order", "select avg(cast(order_id is null as int)) from shop_shop_refunds", 0.02, 0.12),
        ("guest orders", "select avg(cast(customer_id is null as int)) from shop_shop_orders", 0.10, 0.22),
        ("anonymous among guests", "select avg(cast((email is null or not contains(email, '@') or lower(email) in"
         " ('test@test.com', 'noreply@example.com')) and phone is null as int))"
         " from shop_shop_orders where customer_id is null", 0.04, 0.13),
        ("placeholder e-mails of contacts", "select count_if(not contains(email, '@') or lower(email) in"
         " ('test@test.com', 'noreply@example.com')) / count(email) from crm_crm_contacts", 0.015, 0.05),
        ("placeholder phones of accounts", "select count_if(phone in ('0000000000', 'n/a', '+10000000000', '-'))"
         " / count(*) from shop_shop_customers", 0.015, 0.05),
        ("machine opens among opens", "select avg(cast(is_machine as int)) from messaging_message_events"
         " where event_type = 'opened'", 0.35, 0.6),
        ("delivered messages", "select (select count(*) from messaging_message_events where event_type = 'delivered')"
         " / count(*) from messaging_messages where campaign_id is not null", 0.96, 0.99),
        ("orders that do not count", "select avg(cast(status in ('cancelled', 'failed', 'pending', 'test') as int))"
         " from shop_shop_orders", 0.06, 0.15),
        ("orders in another currency at the outlet", "select avg(cast(currency <> 'GBP' as int))"
         " from outlet_shop_orders", 0.33, 0.57),
        ("people with two shop accounts", "select avg(cast(n > 1 as int)) from (select count(*) as n from truth_records"
         " where source_name = 'shop' and record_type = 'shop_customer' group by person_id)", 0.03, 0.12),
        ("merged contacts", "select avg(cast(merged_into_id is not null as int)) from crm_crm_contacts", 0.02, 0.08),
        ("abandoned carts", "select avg(cast(completed_at is null as int)) from shop_shop_checkouts", 0.3, 0.6),
        ("conversations without a human reply", "select avg(cast(first_human_reply_at is null as int))"
         " from messaging_conversations", 0.03, 0.17),
        ("people in a family's phone", "select avg(cast(shares_family_phone as int)) from truth_people", 0.005, 0.05),
    ],
)  # fmt: skip
def test_the_share_of_each_oddity_stays_within_its_band(
    connection: duckdb.DuckDBPyConnection, what: str, sql: str, low: float, high: float
) -> None:
    assert low <= one(connection, sql) <= high, what


def test_some_people_contradict_themselves_and_some_withdraw(connection: duckdb.DuckDBPyConnection) -> None:
    torn = """
        select count(*) from (select contact_ref from messaging_consents where channel = 'email'
                              group by contact_ref, changed_at having count(distinct status) = 2)
    """
    assert one(connection, torn) >= 3
    granted_then_denied = """
        select count(*) from messaging_consents as yes join messaging_consents as no using (contact_ref, channel)
        where yes.status = 'granted' and no.status = 'denied' and no.changed_at > yes.changed_at
    """
    assert one(connection, granted_then_denied) >= 10
    by_message = "select count(*) from messaging_message_events where event_type = 'unsubscribed'"
    assert one(connection, by_message) >= 10
