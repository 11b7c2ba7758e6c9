"""The tables that landing works out for SQL: which addresses they hold, and when they are made anew."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pyarrow.parquet as pq
import pytest

from perennial.config.contract import Table
from perennial.landing import emails, lookups, phones
from perennial.landing.contract import kinds, tables_of
from tests.unit.landing.world import World

# columns of text whose names say e-mail or address and that hold neither: states, switches, methods of consent
NO_ADDRESSES = ("_state", "_status", "_level", "_consent", "_method", "_detail")


def looked_up(world: World) -> dict[str, str | None]:
    rows = pq.read_table(world.home.own_table("email_addresses")).to_pylist()
    return {row["email"]: row["normalised"] for row in rows}


def numbers(world: World) -> dict[tuple[str, str], tuple[str | None, bool]]:
    rows = pq.read_table(world.home.own_table("phone_numbers")).to_pylist()
    return {(row["phone"], row["country"]): (row["e164"], row["has_extension"]) for row in rows}


def deliver(world: World, table: str, *rows: dict[str, Any]) -> None:
    world.write(f"{table}.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
    world.land()


def test_only_addresses_that_take_more_than_trimming_and_lower_case_are_kept(world: World) -> None:
    written = ["jo@example.com", "  JO@Example.COM ", "n/a", "Zoë", "JO＠example.com", "jo@münchen.example", "a@b@c.de"]
    deliver(world, "shop_customers", *({"customer_id": str(n), "email": email} for n, email in enumerate(written)))
    assert emails.refresh(world.home, world.settings()) == 3
    assert looked_up(world) == {
        "JO＠example.com": "jo@example.com", "jo@münchen.example": "jo@xn--mnchen-3ya.example", "a@b@c.de": None,
    }  # fmt: skip


def test_addresses_by_which_messages_point_at_people_are_kept_and_other_references_are_not(world: World) -> None:
    said = {"direction": "outbound", "sent_at": "2024-01-01"}
    deliver(
        world,
        "messages",
        {"message_id": "1", "contact_ref": "zoë@example.com", "contact_ref_type": "email", **said},
        {"message_id": "2", "contact_ref": "zoë@work", "contact_ref_type": "contact_id", **said},
    )
    emails.refresh(world.home, world.settings())
    assert looked_up(world) == {"zoë@example.com": "zoë@example.com"}


def test_an_address_is_worked_out_once_and_new_files_add_theirs(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    deliver(world, "shop_customers", {"customer_id": "1", "email": "zoë@example.com"})
    assert emails.refresh(world.home, world.settings()) == 1
    with monkeypatch.context() as patched:
        patched.setattr(lookups, "append", lambda *_: pytest.fail("read again"))
        assert emails.refresh(world.home, world.settings()) == 0
    deliver(
        world, "shop_customers",
        {"customer_id": "2", "email": "zoë@example.com"}, {"customer_id": "3", "email": "josé@example.com"},
    )  # fmt: skip
    assert emails.refresh(world.home, world.settings()) == 1
    assert set(looked_up(world)) == {"zoë@example.com", "josé@example.com"}


def test_other_rules_work_every_address_out_anew(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    deliver(world, "shop_customers", {"customer_id": "1", "email": "zoë@example.com"})
    emails.refresh(world.home, world.settings())
    changed = dataclasses.replace(
        emails._ADDRESSES, made_with="later", work_out=lambda email: {"normalised": email.upper()}
    )
    monkeypatch.setattr(emails, "_ADDRESSES", changed)
    assert emails.refresh(world.home, world.settings()) == 1
    assert looked_up(world) == {"zoë@example.com": "ZOË@EXAMPLE.COM"}


def test_rules_by_which_nothing_is_left_empty_the_table(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    deliver(world, "shop_customers", {"customer_id": "1", "email": "zoë@example.com"})
    emails.refresh(world.home, world.settings())
    nothing = dataclasses.replace(
        emails._ADDRESSES, made_with="later", keys=lambda _path, _state: "select 'x' as email where false"
    )
    monkeypatch.setattr(emails, "_ADDRESSES", nothing)
    assert emails.refresh(world.home, world.settings()) == 0
    assert looked_up(world) == {}


def test_a_number_with_an_extension_keeps_its_form_and_says_so(world: World) -> None:
    deliver(
        world, "shop_customers",
        {"customer_id": "1", "phone": "020 7946 0958 ext. 12", "country": "GB"},
        {"customer_id": "2", "phone": "020 7946 0958", "country": "GB"},
    )  # fmt: skip
    phones.refresh(world.home, world.settings())
    assert numbers(world) == {
        ("020 7946 0958 ext. 12", "GB"): ("+442079460958", True),
        ("020 7946 0958", "GB"): ("+442079460958", False),
    }


def test_a_table_of_an_earlier_release_is_made_anew(world: World) -> None:
    deliver(world, "shop_customers", {"customer_id": "1", "phone": "020 7946 0958", "country": "GB"})
    phones.refresh(world.home, world.settings())
    path = world.home.own_table("phone_numbers")
    pq.write_table(pq.read_table(path).drop_columns(["has_extension"]), path)
    seen = path.with_name("_seen.json")
    content = json.loads(seen.read_text())
    del content["made_with"]
    seen.write_text(json.dumps(content))
    assert phones.refresh(world.home, world.settings()) == 1
    assert numbers(world) == {("020 7946 0958", "GB"): ("+442079460958", False)}


def addresses_by_name(table: Table) -> set[str]:
    """Columns that must hold addresses, to judge by their names."""
    return {
        column.name
        for column in table.columns
        if column.type in ("text", "id") and ("email" in column.name or "address" in column.name)
        if not column.name.endswith(NO_ADDRESSES)
    }


@pytest.mark.parametrize("kind", kinds())
def test_every_column_that_holds_addresses_is_read(kind: str) -> None:
    """A vendor that calls them something else would have all its international addresses identify nobody."""
    for table in tables_of(kind).values():
        read = {column for column, _ in emails._places(table)}
        assert addresses_by_name(table) <= read, table.name
        types = {name for name in table.column_names if name.endswith("_type")} & {
            "contact_ref_type",
            "identifier_type",
        }
        assert types == set() or read & {"contact_ref", "identifier"}, table.name
