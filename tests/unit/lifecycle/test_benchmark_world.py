"""The world that the lifecycle benchmark measures is the same each time, and holds what its figures say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pytest

from benchmarks.lifecycle_world import PER_PERSON, SHARES, write_world

PEOPLE = 500


@pytest.fixture(scope="module")
def worlds(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    paths = [tmp_path_factory.mktemp(name) / "build.duckdb" for name in ("one", "other")]
    for path in paths:
        write_world(path, PEOPLE, "500MB")
    return paths


def ask(path: Path, question: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(path), read_only=True) as con:
        return con.execute(question).fetchall()


def rows(path: Path, table: str, where: str = "true") -> int:
    return int(ask(path, f"select count(*) from {table} where {where}")[0][0])


def test_two_worlds_of_one_size_are_equal_row_by_row(worlds: list[Path]) -> None:
    tables = ask(worlds[0], "select schema_name || '.' || table_name from duckdb_tables() where not internal")
    assert len(tables) == 9
    for (table,) in tables:
        one, other = (
            ask(each, f"select count(*), sum(hash(row::varchar)::hugeint) from (select * from {table}) as row")
            for each in worlds
        )
        assert one == other and one[0][0] > 0, table


def test_it_holds_as_many_events_as_are_said_of_people_seen_before_them(worlds: list[Path]) -> None:
    world = worlds[0]
    assert {name: round(PEOPLE * many) for name, many in PER_PERSON.items()} == {
        "orders": rows(world, "customer.orders"),
        "outbound": rows(world, "input.messages", "direction = 'outbound'"),
        "inbound": rows(world, "input.messages", "direction = 'inbound'"),
        "conversations": rows(world, "input.conversations"),
        "stage_changes": rows(world, "input.crm_stage_changes"),
        "deals": rows(world, "input.crm_deals"),
        "acts": rows(world, "customer.advocacy_acts"),
    }
    known = rows(world, "customer.orders inner join customer.people using (customer_id)", "ordered_at >= first_seen_at")
    assert known == rows(world, "customer.orders")


def test_every_message_is_somebodys_and_four_of_ten_people_write(worlds: list[Path]) -> None:
    owners = """
        input.messages inner join customer.customer_identifiers as identifiers
        on messages.source_name = identifiers.source_name and identifiers.record_type = 'message_contact'
        and messages.contact_ref_type || ':' || messages.contact_ref = identifiers.record_id
    """
    assert rows(worlds[0], owners) == rows(worlds[0], "input.messages")
    writing = ask(worlds[0], "select count(distinct contact_ref) from input.messages where direction = 'inbound'")
    assert 0.9 * SHARES["talkers"] * PEOPLE < writing[0][0] <= SHARES["talkers"] * PEOPLE
