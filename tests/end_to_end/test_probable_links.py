"""Probable pairs in a night: they join as weak links do, under the same guards, and hands undo them.

What lives here: what becomes of pairs, over landed records and the identity models. What does not: which pairs a model
proposes (tests/unit/landing), but for the one night with Splink itself, where that is installed.
"""

from __future__ import annotations

import random
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest

from perennial.config.home import Home
from perennial.identity.pins import Record, add, make
from perennial.landing import own, proposals
from tests.support import typed
from tests.support.nights import run_night
from tests.support.people import People

DAY = "2026-01-01 00:00:00"


def customer(number: str, **values: str) -> dict[str, str]:
    return {"customer_id": number, "email": f"{number}@people.test", "created_at": DAY, "updated_at": DAY} | values


def contact(number: str, **values: str) -> dict[str, str]:
    return {"contact_id": number, "email": f"{number}@people.test", "created_at": DAY, "updated_at": DAY} | values


def guest_orders(email: str, count: int) -> list[dict[str, str]]:
    return [
        {"order_id": f"{email} {number}", "email": email, "ordered_at": DAY, "updated_at": DAY, "total_amount": "1"}
        for number in range(count)
    ]


def one_person(people: People, one: Record, other: Record) -> bool:
    ids = people.ids()
    return (
        ids[one.source_name, one.record_type, one.record_id]
        == ids[other.source_name, other.record_type, other.record_id]
    )


def pair(one: Record, other: Record, same_first_name: bool) -> dict[str, object]:
    ends = {"source_name": one.source_name, "record_type": one.record_type, "record_id": one.record_id} | {
        "other_source_name": other.source_name, "other_record_type": other.record_type, "other_record_id": other.record_id
    }  # fmt: skip
    said = {"probability": 0.97, "weight": 5.03, "has_same_first_name": same_first_name, "made_with": "this test"}
    return {"pair_id": f"{one} and {other}", **ends, **said}


def test_probable_pairs_join_under_the_guards_of_weak_links_and_the_next_are_sought_in_the_build(
    night_home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(proposals, "made_with", lambda: "this test")
    people = People(night_home, identity={"probabilistic": True})
    people.pins.unlink(missing_ok=True)
    people.add(
        "shop", "shop_customers",
        [
            customer("as", first_name="Ada", last_name="Archer"),
            customer("bs", first_name="Ben", last_name="Baxter"),
            customer("cs", first_name="Cleo", last_name="Carver"),
            customer("ds", first_name="Dan", last_name="Dawson"),
            customer("es", first_name="Eva", last_name="Ellison", phone="+442071838750"),
        ],
    )  # fmt: skip
    people.add(
        "crm", "crm_contacts",
        [
            contact("ac", first_name="Ada", last_name="Acher"),  # joins
            contact("bc", first_name="Ben", last_name="Baxter"),  # a bridge
            contact("cc", first_name="Zoe", last_name="Carver"),  # somebody else of the family
            contact("dc", first_name="Dan", last_name="Dawson", birth_on="1990-01-31"),  # born twice
            contact("d2", first_name="Dan", last_name="Dawson", birth_on="1990-02-01", email="ds@people.test"),
            contact("ec", first_name="Eva", last_name="Elison"),  # parted by hand, from one who shares a number
            contact("e2", first_name="Eva", last_name="Ellison", phone="+442071838750"),
        ],
    )  # fmt: skip
    people.add("shop", "shop_orders", [*guest_orders("bs@people.test", 4), *guest_orders("bc@people.test", 4)])
    one = {each: Record("shop", "shop_customer", f"{each}s") for each in "abcde"}
    other = {each: Record("crm", "crm_contact", f"{each}c") for each in "abcde"}
    third = Record("crm", "crm_contact", "e2")
    # as if an earlier night had compared them
    own.write_rows(night_home, "probable_pairs", [pair(other[each], one[each], each != "c") for each in "abcde"])
    assert add(people.pins, make("unlink", other["e"], one["e"], "ops", datetime(2026, 2, 1, tzinfo=UTC), "twins"))
    people.night()
    assert {each for each in "abcde" if one_person(people, one[each], other[each])} == {"a"}
    assert one_person(people, one["e"], third)  # of whom nobody spoke
    held = people.ask(
        "select reason, identifier, probability, customers_count from identity.identity_review"
        " where rule = 'probabilistic' order by identifier"
    )
    assert held == [
        (reason, f"{other[each]} and {one[each]}", 0.97, 2)
        for reason, each in (("bridge", "b"), ("conflict", "c"), ("conflict", "d"))
    ]
    (link,) = [
        each
        for each in people.links()
        if each.rule == "probabilistic" and {each.one, each.other} == {one["a"], other["a"]}
    ]
    assert (link.reason, link.held_reason) == (f"{other['a']} and {one['a']}, probability 0.9700", None)

    # what was built is compared by the next night
    compared: list[str] = []

    def said(con: duckdb.DuckDBPyConnection, records: str, _threshold: float) -> list[proposals.Proposal]:
        proposals._prepare(con, records)
        compared.extend(row[0] for row in con.execute("select record_id from cleaned_records").fetchall())
        return [proposals.Proposal(str(third), str(other["a"]), 0.99, 9.0)]

    monkeypatch.setattr(proposals, "propose", said)
    people.land()
    assert set(compared) == {*map(str, one.values()), *map(str, other.values()), "crm/crm_contact/d2", str(third)}
    assert pq.read_table(night_home.own_table("probable_pairs")).column("pair_id").to_pylist() == [
        f"{third} and {other['a']}"
    ]


@typed.needs_splink
@pytest.mark.slow
def test_two_nights_with_splink_join_who_was_typed_twice_and_hold_a_bridge(night_home: Home) -> None:
    one = typed.people(300)
    people = People(night_home, identity={"probabilistic": True})
    people.pins.unlink(missing_ok=True)

    def row(record: typed.Record, key: str) -> dict[str, str]:
        values = {name: value or "" for name, value in record.items() if name not in ("record_id", "birth_on")}
        return {key: str(record["record_id"])[:-2], "created_at": DAY, "updated_at": DAY, **values}

    def retyped(record: typed.Record, seed: int) -> typed.Record:
        """A letter of the address doubled and another name of the street mistyped; no phone: nothing is shared exactly."""
        drawn, copy = random.Random(seed), dict(record, phone=None)
        for name in ("email", "street"):
            text = str(record[name])
            place = drawn.randrange(1, 4)
            copy[name] = text[:place] + text[place - 1] + text[place:]
        return copy

    people.add("shop", "shop_customers", [row(each, "customer_id") for each in one])
    people.add("crm", "crm_contacts", [row(retyped(each, seed), "contact_id") for seed, each in enumerate(one[:100])])
    bridge = [str(one[0]["email"]), str(retyped(one[0], 0)["email"])]
    people.add("shop", "shop_orders", [each for email in bridge for each in guest_orders(email, 5)])
    people.land()
    config = Path(night_home.root.parent / "config" / "perennial.yml")
    for _ in range(2):
        status, told = run_night(night_home, config)
        assert status in (0, 4), told
    with duckdb.connect(str(night_home.published_file), read_only=True) as con:
        joined = con.execute(
            """select count(*), count(distinct one.customer_id), count(case when one.record_id <> other.record_id then 1 end)
            from customer.customer_identifiers as one
            inner join customer.customer_identifiers as other on one.customer_id = other.customer_id
            where one.record_type = 'crm_contact' and other.record_type = 'shop_customer'"""
        ).fetchone()
        held = con.execute(
            "select reason, identifier, probability > 0.9 from identity.identity_review where rule = 'probabilistic'"
        ).fetchall()
    print(told, joined, held)
    assert joined is not None and joined[0] >= 90 and joined[2] == 0
    assert ("bridge", "crm/crm_contact/0 and shop/shop_customer/0", True) in held
