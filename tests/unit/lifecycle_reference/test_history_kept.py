"""The stage history kept from night to night is the one built whole, whatever a night brings, and few are remade.

What lives here: nights over one small world. What does not: whether a whole build is right, which
test_models_equal_the_slow_reading.py says.
"""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from perennial.config.home import Home
from tests.conftest import ROOT
from tests.support.dbt_runs import DbtRuns, Statuses
from tests.support.installation import installed_in
from tests.unit.lifecycle_reference.world import Order, Person, World, make_world, write_world

CHECK = "stage_history_is_as_if_built_anew"
KEPT = ("history_inputs", "side_events", "stage_history")
MODELS = (*KEPT, "order_states", "order_changes", "side_changes", "fact_changes")
ZONE, LAST = "Europe/London", datetime(2024, 4, 8, 23, tzinfo=UTC)  # nights end at midnight; clocks went on on 31 March
Change = Callable[[dict[str, Person]], None]


@dataclass
class Nights:
    """One world, the build file that lives through its nights, and another that is built whole each time."""

    folder: Path
    dbt: DbtRuns
    env: dict[str, str]
    world: World
    changes: list[Change] = field(default_factory=list)
    variables: dict[str, Any] = field(default_factory=dict)

    def night(self, as_of: datetime, *more: str, whole: bool = False, models: tuple[str, ...] = KEPT) -> Statuses:
        """Everything dated before as_of, changed as nights so far have changed it, and the models over it.

        The views between are made where a build from scratch is due: it alone reads them. The check rebuilds everybody.
        """
        people = {person.customer_id: copy.deepcopy(person) for person in self.world.people}
        for change in self.changes:
            change(people)
        told = [_before(person, as_of) for person in people.values() if person.first_seen_at < as_of]
        build_file = self.folder / ("whole" if whole else "kept") / "build.duckdb"
        write_world(World(self.world.zone, as_of, told), self.folder / "world.duckdb")
        _copy(self.folder / "world.duckdb", build_file)
        env = self.env | {
            "PERENNIAL_AS_OF_UTC": as_of.strftime("%Y-%m-%d %H:%M:%S.%f"), "PERENNIAL_TIME_ZONE": ZONE,
            "PERENNIAL_BUILD_FILE": str(build_file), "PERENNIAL_SNAPSHOT_ID": as_of.isoformat(),
        }  # fmt: skip
        if whole:
            return self.dbt.run(["run", "--select", *MODELS, "--full-refresh", *more], env)
        others = ("test_type:generic", "stays_join_up_from_first_sight_on", "every_stay_is_counted_where_it_began")
        select = ["--exclude-resource-type", "unit_test", "--select", *models, CHECK, "--exclude", *others, *more]
        return self.dbt.run(["build", *select, "--vars", json.dumps({"checked_share": 1.0} | self.variables)], env)

    def ask(self, question: str, side: str = "kept") -> list[tuple[Any, ...]]:
        with duckdb.connect(str(self.folder / side / "build.duckdb"), read_only=True) as con:
            return con.execute(question).fetchall()

    def remade(self) -> dict[str, str]:
        """Who was remade last night, and how; everybody where the tables were built whole."""
        return dict(self.ask("select customer_id, remade from lifecycle.history_inputs where remade is not null"))

    def is_whole(self) -> bool:
        return self.ask("select was_as_of from lifecycle.history_inputs__mark") == [(None,)]

    def differences(self, as_of: datetime) -> list[tuple[Any, ...]]:
        """Rows of the kept tables that a build from scratch of the same night lacks, and the other way about."""
        assert set(self.night(as_of, whole=True).values()) == {"success"}
        found = []
        for table in ("lifecycle.side_events", "lifecycle.stage_history"):
            kept, whole = (self.ask(f"select * from {table} order by all", side) for side in ("kept", "whole"))
            assert len(kept) > 100
            found += [row for row in kept if row not in set(whole)] + [row for row in whole if row not in set(kept)]
            assert found or len(kept) == len(whole)
        return found


def _before(person: Person, as_of: datetime) -> Person:
    orders = sorted((each for each in person.orders if each.at < as_of), key=lambda each: (each.at, each.key))
    return replace(person, orders=orders, told=sorted(each for each in person.told if each.at < as_of))


def _copy(world: Path, build_file: Path) -> None:
    """What the models before lifecycle left, into a build file that keeps its lifecycle."""
    build_file.parent.mkdir(exist_ok=True)
    with duckdb.connect(str(build_file)) as con:
        con.execute(f"attach '{world}' as world (read_only)")
        for schema, table in con.execute(
            "select schema_name, table_name from duckdb_tables() where database_name = 'world'"
        ).fetchall():
            con.execute(f"create schema if not exists {schema}")
            con.execute(f"create or replace table {schema}.{table} as from world.{schema}.{table}")


@pytest.fixture(scope="module")
def nights(parsed_home: Home, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nights]:
    env = dict(installed_in(parsed_home).night().dbt.env) | {"PERENNIAL_KEPT_STAGE_MODELS": "{}"}
    with DbtRuns(env) as dbt:
        yield Nights(tmp_path_factory.mktemp("kept"), dbt, env, make_world(7, ZONE, LAST, 150))


def settled(nights: Nights, before: datetime) -> list[str]:
    """Who ordered three times or more, and all of it before a time."""
    return [
        person.customer_id for person in nights.world.people if len(person.orders) > 2 and person.orders[-1].at < before
    ]


def test_a_night_equals_a_whole_build_and_remakes_only_whom_it_must(nights: Nights) -> None:
    days = [LAST - timedelta(days=back) for back in (9, 8, 7, 6)]
    rich, poor, late, lost, merged, into = settled(nights, days[0])[:6]
    assert nights.night(days[0], models=MODELS)[CHECK] == "pass" and nights.is_whole()

    # what is new; and days that pass, for people of whom nothing is new
    assert nights.night(days[1])[CHECK] == "pass" and not nights.is_whole()
    assert nights.differences(days[1]) == []
    since = _bare(days[0])
    told = "select customer_id, ordered_at as told_at from customer.customer_orders"
    told = f"{told} union all select customer_id, told_at from lifecycle.side_events"
    new = {row[0] for row in nights.ask(f"select customer_id from ({told}) where told_at >= timestamp '{since}'")}
    remade = nights.remade()
    assert new < set(remade) and "continued" in remade.values() and len(remade) < len(nights.world.people) / 2
    by_time = f"valid_from > timestamp '{since}' and cause_event_id like 'time:%'"
    moved = nights.ask(f"select distinct customer_id from lifecycle.stage_history where {by_time}")
    assert {row[0] for row in moved} - new, "nobody was moved by the passing of time alone"

    # an order that came late, one that is gone, one that is worth more, one so much that the mean moves; a merge
    nights.changes += [_late_order(late), _lost_order(lost), _worth(poor, 3), _worth(rich, 40), _merge(merged, into)]
    assert nights.night(days[2])[CHECK] == "pass" and not nights.is_whole()
    assert nights.differences(days[2]) == []
    remade = nights.remade()
    assert remade[merged] == "gone" and {remade[who] for who in (late, lost, poor, rich, into)} == {"whole"}
    assert len([how for how in remade.values() if how == "whole"]) > 5, "nobody was remade because the mean moved"

    # and two again. A night whose check did not come to run is not built upon, nor one that made some of the tables
    nights.changes.pop()
    nights.night(days[3], CHECK)
    assert not nights.is_whole() and (nights.remade()[merged], nights.remade()[into]) == ("whole", "whole")
    nights.night(days[3], CHECK, models=("history_inputs",))
    assert nights.is_whole()


@pytest.mark.slow
def test_many_nights_equal_whole_builds_and_what_is_spoiled_is_noticed(nights: Nights) -> None:
    nights.changes.clear()
    nights.night(LAST - timedelta(days=60), models=MODELS)
    dice, continued = random.Random(1), 0
    kinds = [_late_order, _lost_order, lambda who: _worth(who, 2), lambda who: _merge(who, dice.choice(known))]
    for back in (59, 58, 55, 54, 45, 44, 30, 29, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0):
        as_of = LAST - timedelta(days=back)
        known = settled(nights, as_of)
        if nights.changes and dice.random() < 0.5:
            nights.changes.pop(dice.randrange(len(nights.changes)))
        nights.changes += [dice.choice(kinds)(who) for who in dice.sample(known, 2)]
        assert nights.night(as_of, models=MODELS)[CHECK] == "pass", back
        assert nights.differences(as_of) == [], back
        continued += not nights.is_whole()
    assert continued > 12

    nights.night(LAST)
    with duckdb.connect(str(nights.folder / "kept" / "build.duckdb")) as con:
        con.execute("update lifecycle.stage_history set previous_from = null where previous_from is not null")
    assert nights.night(LAST)[CHECK] == "fail" and not nights.is_whole()
    assert nights.night(LAST, models=MODELS)[CHECK] == "pass" and nights.is_whole()
    models = yaml.safe_load((ROOT / "dbt_project.yml").read_text())["vars"]["stage_models"]
    models["five_stage"]["stages"][0]["bounds"]["orders_count"]["min"] = 5
    nights.variables["stage_models"] = models
    assert nights.night(LAST, models=MODELS)[CHECK] == "pass" and nights.is_whole()


def _bare(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(tzinfo=None)


def _late_order(who: str) -> Change:
    def change(people: dict[str, Person]) -> None:
        if who in people and people[who].orders:
            at = people[who].orders[0].at + timedelta(hours=1)
            people[who].orders.append(Order(("till", f"{who}_late"), who, at, 50, 50))

    return change


def _lost_order(who: str) -> Change:
    def change(people: dict[str, Person]) -> None:
        if who in people and people[who].orders:
            people[who].orders.pop(0)

    return change


def _worth(who: str, times: int) -> Change:
    def change(people: dict[str, Person]) -> None:
        if who in people and people[who].orders:
            first = people[who].orders[0]
            people[who].orders[0] = replace(first, revenue=(first.revenue + 100) * times)

    return change


def _merge(who: str, into: str) -> Change:
    def change(people: dict[str, Person]) -> None:
        if who == into or who not in people or into not in people:
            return
        gone, stays = people.pop(who), people[into]
        stays.orders += [replace(order, customer_id=into) for order in gone.orders]
        stays.told += gone.told
        stays.first_seen_at = min(gone.first_seen_at, stays.first_seen_at)

    return change
