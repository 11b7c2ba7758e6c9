"""Poisoned identifiers: placeholders, tills, chains and bridges join nobody, and each is told once (failures I1 to I3)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import cycle, islice

import pytest

from perennial.config.home import Home
from tests.support.nights import emptied
from tests.support.people import MODELS, People
from tests.unit.identity.placeholders import EMAILS, IDS, PHONES

SHARING = 10_000
TILL = 50_000
DESK = 700
CHAIN = 500
DAY = "2026-01-01 00:00:00"


@pytest.fixture(scope="module")
def poisoned(parsed_home: Home) -> Iterator[People]:
    people = People(emptied(parsed_home))
    emails, phones = cycle(EMAILS), cycle(PHONES)
    people.add(
        "placeholders", "shop_customers",
        ({"customer_id": f"p{i}", "email": next(emails), "phone": next(phones), "country": "GB", "created_at": DAY}
         for i in range(SHARING)),
    )  # fmt: skip
    people.add("placeholders", "shop_orders", (order(f"o{i}", customer_id=value) for i, value in enumerate(IDS)))
    people.add("till", "shop_orders", (order(f"t{i}", email="till@shop.test") for i in range(TILL)))
    people.add(
        "desk",
        "crm_contacts",
        ({"contact_id": f"c{i}", "phone": "+441134960123", "created_at": DAY} for i in range(DESK)),
    )
    # one after the other is joined by an e-mail address, then by a number, then by an address
    people.add(
        "chain", "shop_customers",
        ({"customer_id": f"k{i:04}", "email": f"k{i // 2}@chain.test", "phone": f"+4411349{70000 + (i + 1) // 2:05}",
          "created_at": DAY} for i in range(CHAIN)),
    )  # fmt: skip
    for family in ("ash", "oak"):
        people.add(
            "families", "shop_orders",
            (order(f"{family}{i}", email=f"{family}@family.test", phone="+441134960777" if i == 0 else "")
             for i in range(6)),
        )  # fmt: skip
    people.add("families", "shop_orders", [order("pine0", email="pine@family.test", phone="+441134960777")])
    people.settings["families"] = {"country": "GB"}
    people.land()
    people.build([*MODELS, "+orders"])
    yield people


def order(order_id: str, **values: str) -> dict[str, str]:
    return {"order_id": order_id, "ordered_at": DAY, "currency": "GBP", "total_amount": "10", "status": "paid"} | values


def test_people_who_share_placeholders_stay_apart(poisoned: People) -> None:
    found = poisoned.ask(
        "select count(*), count(distinct customer_id) from customer.customer_identifiers"
        " where source_name = 'placeholders'"
    )
    assert found == [(SHARING, SHARING)]


def test_each_placeholder_is_told_once_with_its_count(poisoned: People) -> None:
    told = poisoned.ask(
        "select identifier_type, identifier, reason, records_count from identity.identity_review"
        " where identifier_type in ('email', 'phone') and rule is null and reason <> 'too_common'"
    )
    assert {reason for _, _, reason, _ in told} == {"placeholder"}
    assert len({(kind, value) for kind, value, _, _ in told}) == len(told)
    for kind, values in (("email", EMAILS), ("phone", PHONES)):
        delivered = Counter(islice(cycle(values), SHARING))
        counts = {value: count for each, value, _, count in told if each == kind}
        assert sum(counts.values()) == SHARING
        for value in ("null", "n/a", "anonymous", "-1"):
            spellings = [each for each in delivered if each.strip().lower() == value]
            assert counts[value] == sum(delivered[each] for each in spellings)
    counts = {value: count for kind, value, _, count in told if kind == "email"}
    spellings = ("test@test.com", " TEST@TEST.COM ", "Test <test@test.com>", "test\u200b@test.com")
    delivered = Counter(islice(cycle(EMAILS), SHARING))
    assert counts["test@test.com"] == sum(delivered[each] for each in spellings)


def test_orders_under_placeholder_ids_are_nobodys(poisoned: People) -> None:
    found = poisoned.ask("select count(*), count(customer_id) from customer.orders where source_name = 'placeholders'")
    assert found == [(len(IDS), 0)]


@pytest.mark.parametrize(
    ("kind", "value", "count"), [("email", "till@shop.test", TILL), ("phone", "+441134960123", DESK)]
)
def test_a_clean_looking_value_of_thousands_is_told_and_joins_nobody(
    poisoned: People, kind: str, value: str, count: int
) -> None:
    told = poisoned.ask(
        f"select identifier_type, records_count, reason from identity.identity_review where identifier = '{value}'"
    )
    assert told == [(kind, count, "too_common")]


def test_guests_of_a_till_are_nobody_and_accounts_that_share_a_desk_stay_apart(poisoned: People) -> None:
    assert poisoned.ask("select count(*), count(customer_id) from customer.orders where source_name = 'till'") == [
        (TILL, 0)
    ]
    found = poisoned.ask(
        "select count(*), count(distinct customer_id) from customer.customer_identifiers where source_name = 'desk'"
    )
    assert found == [(DESK, DESK)]


def test_a_chain_of_single_links_is_held_and_every_link_named(poisoned: People) -> None:
    largest = poisoned.ask(
        "select max(n) from (select count(*) as n from customer.customer_identifiers where source_name = 'chain'"
        " group by customer_id)"
    )
    assert largest == [(2,)]
    held = poisoned.ask(
        "select rule, held_by, count(*), count(distinct identifier) from identity.identity_review"
        " where reason = 'over_limit' group by all"
    )
    assert held == [("same_phone", "email", CHAIN // 2 - 1, CHAIN // 2 - 1)]


def test_a_bridge_between_two_families_is_held_and_named_and_a_small_one_is_none(poisoned: People) -> None:
    ids = poisoned.ids()
    people = {name: {ids["families", "guest_order", f"{name}{i}"] for i in range(n)} for name, n in
              (("ash", 6), ("oak", 6), ("pine", 1))}  # fmt: skip
    assert all(len(each) == 1 for each in people.values())
    assert people["ash"] != people["oak"]
    told = poisoned.ask(
        "select identifier, rule, customers_count from identity.identity_review where reason = 'bridge'"
    )
    assert told == [("+441134960777", "same_phone", 2)]
    assert people["pine"] < people["ash"] | people["oak"]
