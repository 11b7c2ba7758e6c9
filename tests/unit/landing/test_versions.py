"""Which version of a row counts, over loads that repeat, overlap, arrive late or come in another order."""

from __future__ import annotations

import random
import tempfile
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.landing.world import World, content

START = datetime(2026, 1, 1)


def orders(world: World, *rows: tuple[Any, ...], part: str = "shop_orders.csv") -> None:
    """Rows of (order id, total, hour of updated_at)."""
    stamped = [(row[0], START, row[1], "" if row[2] is None else START + timedelta(hours=row[2])) for row in rows]
    world.write_rows(part, "order_id,ordered_at,total_amount,updated_at", stamped)


def lines(world: World, *rows: tuple[Any, ...], part: str = "shop_order_lines.csv") -> None:
    """Rows of (order id, line id, quantity)."""
    world.write_rows(part, "order_id,line_id,quantity", rows)


def totals(world: World) -> dict[str, int]:
    return {key[0]: int(row["total_amount"]) for key, row in world.in_force("shop_orders").items()}


def quantities(world: World) -> dict[tuple[Any, ...], int]:
    return {key: int(row["quantity"]) for key, row in world.in_force("shop_order_lines").items()}


def test_a_first_load_lands_every_row_as_it_is(world: World) -> None:
    orders(world, ("a", 1, 1), ("b", 2, 1))
    table = world.land().tables[0]
    assert (table.received, table.landed, table.repeated) == (2, 2, 0)
    flags = [(row["is_superseded"], row["is_change"], row["is_replacement"]) for row in world.landed("shop_orders")]
    assert flags == [(False, False, False)] * 2


def test_the_same_folder_again_lands_nothing(world: World) -> None:
    orders(world, ("a", 1, 1), ("b", 2, 1))
    lines(world, ("a", 1, 5))
    world.land()
    before = world.landed("shop_orders") + world.landed("shop_order_lines")
    again = world.land()
    assert [(table.landed, table.repeated) for table in again.tables] == [(0, 2), (0, 1)]
    assert world.landed("shop_orders") + world.landed("shop_order_lines") == before


def test_a_newer_version_is_a_change_and_counts(world: World) -> None:
    orders(world, ("a", 1, 1), ("b", 2, 1))
    world.land()
    orders(world, ("a", 9, 2), ("b", 2, 1))
    table = world.land().tables[0]
    assert (table.landed, table.changes, table.repeated) == (1, 1, 1)
    assert totals(world) == {"a": 9, "b": 2}


def test_an_older_version_that_comes_late_never_counts(world: World) -> None:
    orders(world, ("a", 9, 2))
    world.land()
    orders(world, ("a", 1, 1))
    table = world.land().tables[0]
    assert (table.landed, table.superseded, table.changes) == (1, 1, 0)
    assert totals(world) == {"a": 9}


def test_an_old_version_delivered_again_is_not_landed_again(world: World) -> None:
    orders(world, ("a", 1, 1))
    world.land()
    orders(world, ("a", 9, 2))
    world.land()
    orders(world, ("a", 1, 1))
    assert world.land().tables[0].landed == 0
    assert totals(world) == {"a": 9}


def test_there_and_back_again_without_a_time_follows_the_newest_load(world: World) -> None:
    for total in (1, 9, 1):
        orders(world, ("a", total, None))
        assert world.land().tables[0].landed == 1
    assert totals(world) == {"a": 1}
    assert len(world.landed("shop_orders")) == 3


def test_at_equal_times_the_newest_load_counts(world: World) -> None:
    orders(world, ("a", 1, 1))
    world.land()
    orders(world, ("a", 9, 1))
    world.land()
    assert totals(world) == {"a": 9}


def test_a_row_with_a_time_beats_one_without(world: World) -> None:
    orders(world, ("a", 1, 1))
    world.land()
    orders(world, ("a", 9, None))
    world.land()
    assert totals(world) == {"a": 1}


def test_two_versions_in_one_load_keep_both_and_count_the_newer(world: World) -> None:
    orders(world, ("a", 9, 2), ("a", 1, 1), ("a", 1, 1), ("a", 9, 2))
    table = world.land().tables[0]
    assert (table.received, table.accepted, table.landed, table.superseded, table.repeated) == (4, 4, 2, 1, 2)
    assert totals(world) == {"a": 9}


def test_two_versions_in_one_load_settle_the_same_way_against_what_is_held(world: World) -> None:
    orders(world, ("a", 5, 2))
    world.land()
    orders(world, ("a", 9, 3), ("a", 1, 1), ("a", 5, 2))
    table = world.land().tables[0]
    assert (table.landed, table.changes, table.superseded) == (2, 1, 1)
    assert totals(world) == {"a": 9}
    assert world.land().tables[0].landed == 0


def test_within_a_load_the_order_of_rows_and_parts_never_matters(tmp_path: Path) -> None:
    rows = [(f"o{number % 7}", number % 5, number % 4) for number in range(40)]
    found = []
    for seed in range(3):
        (tmp_path / str(seed)).mkdir()
        world = World(tmp_path / str(seed))
        random.Random(seed).shuffle(rows)
        for part in range(3):
            orders(world, *rows[part::3], part=f"shop_orders/{part}.csv")
        world.land()
        found.append(content(world.in_force("shop_orders"), "shop_orders"))
    assert found[0] == found[1] == found[2] and len(found[0]) == 7


def test_a_newer_order_replaces_its_lines_as_a_whole(world: World) -> None:
    orders(world, ("a", 1, 1), ("b", 1, 1))
    lines(world, ("a", 1, 10), ("a", 2, 20), ("b", 1, 30))
    world.land()
    orders(world, ("a", 2, 2), ("b", 1, 1))
    lines(world, ("a", 1, 10), ("a", 3, 40), ("b", 1, 30))
    table = world.land().tables[1]
    assert (table.landed, table.replacements, table.changes) == (2, 2, 1)
    assert quantities(world) == {("a", "1"): 10, ("a", "3"): 40, ("b", "1"): 30}
    assert [each.landed for each in world.land().tables] == [0, 0]


def test_a_newer_order_without_lines_keeps_the_lines_it_had(world: World) -> None:
    orders(world, ("a", 1, 1))
    lines(world, ("a", 1, 10))
    world.land()
    world.clear()
    orders(world, ("a", 2, 2))
    world.land()
    assert quantities(world) == {("a", "1"): 10}


def test_lines_of_an_older_order_never_count(world: World) -> None:
    orders(world, ("a", 2, 2))
    lines(world, ("a", 1, 10))
    world.land()
    orders(world, ("a", 1, 1))
    lines(world, ("a", 1, 7), ("a", 2, 7))
    assert world.land().tables[1].superseded == 2
    assert quantities(world) == {("a", "1"): 10}
    assert world.land().tables[1].landed == 0


def test_lines_of_an_order_whose_lines_never_came_follow_it_when_it_is_older(world: World) -> None:
    orders(world, ("a", 2, 2))
    world.land()
    orders(world, ("a", 1, 1))
    lines(world, ("a", 1, 7))
    world.land()
    assert quantities(world) == {}


def test_lines_alone_are_kept_line_by_line(world: World) -> None:
    lines(world, ("a", 1, 10), ("a", 2, 20))
    world.land()
    lines(world, ("a", 2, 21), ("a", 3, 30))
    table = world.land().tables[0]
    assert (table.landed, table.changes, table.replacements) == (2, 1, 0)
    assert quantities(world) == {("a", "1"): 10, ("a", "2"): 21, ("a", "3"): 30}


def test_a_line_that_was_replaced_away_may_come_back_alone(world: World) -> None:
    orders(world, ("a", 1, 1))
    lines(world, ("a", 1, 10), ("a", 2, 20))
    world.land()
    orders(world, ("a", 2, 2))
    lines(world, ("a", 1, 10))
    world.land()
    assert quantities(world) == {("a", "1"): 10}
    world.clear()
    lines(world, ("a", 2, 20))
    world.land()
    assert quantities(world) == {("a", "1"): 10, ("a", "2"): 20}


def test_a_source_that_changes_its_kind_still_knows_what_it_held(world: World, tmp_path: Path) -> None:
    import sqlite3

    orders(world, ("a", 1, 1))
    world.land()
    database = tmp_path / "shop.sqlite"
    with sqlite3.connect(database) as connection:
        connection.execute("create table shop_orders (order_id, ordered_at, total_amount, updated_at)")
        connection.execute(
            "insert into shop_orders values ('a', ?, 1, ?)", (str(START), str(START + timedelta(hours=1)))
        )
    report = world.land(kind="sql", url=f"sqlite:///{database}", tables={"shop_orders": "shop_orders"})
    assert (report.reason, report.tables[0].repeated, report.tables[0].landed) == (None, 1, 0)


def test_a_hash_tells_neighbouring_columns_apart(world: World) -> None:
    world.write("shop_customers.csv", "customer_id,first_name,last_name\n1,ab,c\n")
    world.land()
    world.write("shop_customers.csv", "customer_id,first_name,last_name\n1,a,bc\n")
    assert world.land().tables[0].changes == 1
    world.write("shop_customers.csv", "customer_id,first_name,last_name\n1,,abc\n")
    assert world.land().tables[0].changes == 1


def test_twelve_overlapping_slices_equal_one_delivery(tmp_path: Path) -> None:
    rows = [(f"o{number}", number, number % 300) for number in range(360)]
    rows += [(f"o{number}", number + 1000, 400 + number) for number in range(0, 360, 9)]
    worlds = []
    for name in ("whole", "slices"):
        (tmp_path / name).mkdir()
        worlds.append(World(tmp_path / name))
    whole, slices = worlds
    orders(whole, *rows)
    lines(whole, *[(f"o{number}", 1, number) for number in range(360)])
    whole.land()
    for month in range(12):
        orders(slices, *rows[max(0, month * 34 - 20) : month * 34 + 34])
        first = max(0, month * 30 - 20)
        lines(slices, *[(f"o{number}", 1, number) for number in range(first, month * 30 + 30)])
        slices.land()
    for table in ("shop_orders", "shop_order_lines"):
        assert content(slices.in_force(table), table) == content(whole.in_force(table), table)


Versions = st.lists(
    st.tuples(st.sampled_from("abc"), st.integers(0, 3)), min_size=1, max_size=12
)  # (order, total); updated_at is the position, so that no two are equal


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(versions=Versions, data=st.data())
def test_versions_with_times_of_their_own_win_the_same_way_in_any_grouping_and_order(
    versions: list[tuple[str, int]], data: st.DataObject
) -> None:
    stamped = [(key, total, hour) for hour, (key, total) in enumerate(versions)]
    expected = {key: Decimal(total) for key, total, _ in stamped}
    shuffled = data.draw(st.permutations(stamped))
    cuts = sorted(data.draw(st.sets(st.integers(1, max(1, len(shuffled) - 1)), max_size=3)))
    with tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder))
        for start, end in zip([0, *cuts], [*cuts, len(shuffled)], strict=True):
            if shuffled[start:end]:
                orders(world, *shuffled[start:end])
                assert world.land().reason is None
        assert {key[0]: row["total_amount"] for key, row in world.in_force("shop_orders").items()} == expected


@pytest.mark.parametrize("seed", range(2))
def test_shuffled_and_repeated_deliveries_of_orders_and_lines_end_alike(tmp_path: Path, seed: int) -> None:
    """Each version of an order comes with its own lines, in its own folder; folders arrive in any order, some twice."""
    versions = [(order, version) for order in "abcd" for version in range(3)]
    draw = random.Random(seed)
    arrivals = versions + draw.sample(versions, 6)
    draw.shuffle(arrivals)
    world = World(tmp_path)
    for order, version in arrivals:
        orders(world, (order, version, version))
        lines(world, *[(order, line, version) for line in range(version, version + 2)])
        world.land()
    assert totals(world) == dict.fromkeys("abcd", 2)
    assert quantities(world) == {(order, str(line)): 2 for order in "abcd" for line in (2, 3)}
