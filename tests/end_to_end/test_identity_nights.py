"""Customer ids over nights: what nobody touched keeps its id, and whatever moves has its line in the ledger (I4, I7)."""

from __future__ import annotations

import random
import shutil
from datetime import UTC, datetime

import pytest

from perennial.config.home import Home
from perennial.identity.paths import parted
from perennial.identity.pins import Record, add, make
from tests.support.people import People

DAY = "2026-01-{:02} 00:00:00"
COUNT = 60
Ids = dict[tuple[str, str, str], str]


@pytest.fixture
def world(night_home: Home) -> People:
    """Sixty people with an account and a contact each, joined by an address."""
    people = People(night_home)
    people.add(
        "shop", "shop_customers",
        ({"customer_id": f"s{i}", "email": f"p{i}@people.test", "phone": "", "created_at": DAY.format(1 + i % 28),
          "updated_at": DAY.format(1 + i % 28)} for i in range(COUNT)),
    )  # fmt: skip
    people.add(
        "crm", "crm_contacts",
        ({"contact_id": f"c{i}", "email": f"P{i}@people.test", "phone": "", "created_at": DAY.format(2 + i % 26),
          "updated_at": DAY.format(2 + i % 26)} for i in range(COUNT)),
    )  # fmt: skip
    people.pins.unlink(missing_ok=True)
    return people


def change(people: People, source: str, table: str, row: int, **values: str) -> None:
    rows = people.sources[source][table]
    rows[row] = dict(rows[row]) | values


def ledger(people: People) -> list[tuple[str, str, str, str]]:
    return people.ask(
        "select action, customer_id, into_customer_id, cause from customer.identifier_ledger order by all"
    )


def of(ids: Ids, number: int) -> set[str]:
    return {ids["shop", "shop_customer", f"s{number}"], ids["crm", "crm_contact", f"c{number}"]}


def test_ids_outlive_nights_merges_splits_shuffles_and_the_loss_of_the_warehouse(world: People) -> None:
    world.night()
    first = world.ids()
    assert len(set(first.values())) == COUNT and all(len(of(first, i)) == 1 for i in range(COUNT))
    assert ledger(world) == []

    # 7 turns out to be 3; 9's contact gets another address
    change(world, "shop", "shop_customers", 7, email="p3@people.test", updated_at=DAY.format(30))
    change(world, "crm", "crm_contacts", 7, email="p3@people.test", updated_at=DAY.format(30))
    change(world, "crm", "crm_contacts", 9, email="another@people.test", updated_at=DAY.format(30))
    world.night()
    second = world.ids()
    moved = {7, 9}
    assert {key: second[key] for key in first if int(key[2][1:]) not in moved} == {
        key: first[key] for key in first if int(key[2][1:]) not in moved
    }
    (three,), (seven,) = of(first, 3), of(first, 7)
    assert of(second, 3) == of(second, 7) == {three}  # the older one stays
    assert len(of(second, 9)) == 2 and of(first, 9) < of(second, 9)  # one part keeps the id
    (fresh,) = of(second, 9) - of(first, 9)
    lines = ledger(world)
    assert [line[:3] for line in lines] == [("merge", seven, three), ("split", *of(first, 9), fresh)]
    assert lines[0][3].startswith("same_email: ") and lines[1][3] == "no link is left"
    assert world.ask("select customer_id, into_customer_id from customer.customer_redirects") == [(seven, three)]

    # the same again, shuffled, with the warehouse lost
    for seed in range(3):
        for tables in world.sources.values():
            for rows in tables.values():
                random.Random(seed).shuffle(rows)
        shutil.rmtree(world.home.landing)
        shutil.rmtree(world.home.warehouse)
        world.home.prepare()
        world.night()
        assert world.ids() == second
        assert ledger(world) == lines
        assert world.ask("select customer_id, into_customer_id from customer.customer_redirects") == [(seven, three)]


@pytest.mark.slow
def test_pins_link_and_part_and_when_they_go_all_is_as_before(world: People) -> None:
    world.night()
    before = world.ids()
    at = datetime(2026, 2, 1, tzinfo=UTC)
    one, two = Record("shop", "shop_customer", "s1"), Record("crm", "crm_contact", "c2")
    mine, other = Record("shop", "shop_customer", "s5"), Record("crm", "crm_contact", "c5")
    assert add(world.pins, make("link", one, two, "ops", at, "they called"))
    parting = make("unlink", mine, other, "ops", at, "mother and daughter")
    assert add(world.pins, parting)
    told = parted(
        world.links(), {Record(*key) for key, customer in before.items() if {customer} == of(before, 5)}, mine, other
    )
    world.night()
    pinned = world.ids()
    assert {frozenset(Record(*key) for key in pinned if pinned[key] == each) for each in of(pinned, 5)} == set(told)
    assert of(pinned, 1) == of(pinned, 2) and len(of(pinned, 1)) == 1
    assert len(of(pinned, 5)) == 2
    causes = {(action, cause) for action, _, _, cause in ledger(world)}
    assert ("split", "held: held_apart") in causes and ("hold", "held_apart (unlink)") in causes
    assert any(action == "merge" and cause.startswith("pinned_link: ") for action, cause in causes)
    assert world.ask("select reason, identifier, rule from identity.identity_review") == [
        ("held_apart", parting.pin_id, "unlink")
    ]

    world.pins.unlink()
    world.night()
    after = world.ids()
    assert [
        key for key in before if of(after, int(key[2][1:])) != of(before, int(key[2][1:])) and key[2][1:] not in "12"
    ] == []
    assert of(after, 5) == of(before, 5)
    assert len(of(after, 1) | of(after, 2)) == 2
    assert ("release", "held_apart (unlink)") in {(action, cause) for action, _, _, cause in ledger(world)}
