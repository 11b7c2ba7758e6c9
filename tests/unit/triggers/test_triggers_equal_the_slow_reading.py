"""Triggers as dbt builds them, and a slow reading of the same events: equal, in any order, and under the same keys."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import duckdb
import pytest
import yaml

from perennial.config.home import Home
from tests.conftest import ROOT
from tests.support.dbt_runs import DbtRuns
from tests.support.installation import installed_in
from tests.unit.triggers import reading
from tests.unit.triggers.world import World, make_world, write_world

DECLARED: dict[str, dict[str, Any]] = yaml.safe_load((ROOT / "dbt_project.yml").read_text())["vars"]["triggers"]
# midnight in London, two days after its clocks went forward
AS_OF = datetime(2024, 4, 1, 23, tzinfo=UTC)
COLUMNS = "event_key, customer_id, scope, occurred_at, due_at, called_off_at, status, reason"
Rows = dict[str, tuple]


class Builds:
    """Worlds go in, lifecycle.trigger_events comes out."""

    def __init__(self, home: Home, dbt: DbtRuns, env: dict[str, str]) -> None:
        self._home, self._dbt, self._env = home, dbt, env

    def rows(self, world: World, shuffle: int | None = None) -> Rows:
        write_world(world, self._home.build_file, shuffle)
        env = {
            **self._env,
            "PERENNIAL_AS_OF_UTC": world.as_of.strftime("%Y-%m-%d %H:%M:%S.%f"),
            "PERENNIAL_TIME_ZONE": world.zone.key,
        }
        assert self._dbt.run(["run", "--select", "trigger_events"], env)["trigger_events"] == "success"
        with duckdb.connect(str(self._home.build_file), read_only=True) as connection:
            found = connection.execute(f"select {COLUMNS} from lifecycle.trigger_events").fetchall()
        assert len({row[0] for row in found}) == len(found)
        return {row[0]: tuple(_aware(value) for value in row[1:]) for row in found}


def _aware(value: Any) -> Any:
    return value.replace(tzinfo=UTC) if isinstance(value, datetime) else value


@pytest.fixture(scope="module")
def builds(parsed_home: Home) -> Iterator[Builds]:
    dbt = installed_in(parsed_home).night().dbt
    try:
        with DbtRuns(dbt.env) as runs:
            yield Builds(parsed_home, runs, dict(dbt.env))
    finally:
        shutil.rmtree(parsed_home.build_file.parent, ignore_errors=True)
        parsed_home.prepare()


@pytest.fixture(scope="module")
def world() -> World:
    return make_world(1, "Europe/London", AS_OF)


@pytest.fixture(scope="module")
def built(builds: Builds, world: World) -> Rows:
    return builds.rows(world)


def test_every_row_is_the_one_that_looking_at_every_midnight_gives(built: Rows, world: World) -> None:
    assert built == reading.rows(world, DECLARED)


def test_the_world_holds_every_trigger_and_every_way_of_ending(built: Rows) -> None:
    """So that the test above can fail."""
    triggers = Counter(key.split(":")[0] for key in built)
    assert set(triggers) == set(DECLARED) and min(triggers.values()) >= 3, triggers
    ways = Counter((row[5], row[6]) for row in built.values())
    assert {("due", None), ("waiting", None)} <= set(ways)
    assert {reason for status, reason in ways if status == "would_have_fired"} == {
        "late", "cool_down", "once", "called_off",
    }  # fmt: skip


def test_the_order_of_rows_changes_nothing(builds: Builds, built: Rows, world: World) -> None:
    assert builds.rows(world, shuffle=7) == built


def test_people_who_turn_out_to_be_one_keep_the_keys_of_their_causes(builds: Builds, built: Rows, world: World) -> None:
    """What was acted on under a key is not acted on again under another one."""
    merged = replace(world, people=[])
    for one, other in zip(world.people[::2], world.people[1::2], strict=True):
        has_email, born = one.has_email or other.has_email, one.birth_on
        merged.people.append(
            replace(one, events=one.events + other.events, talks=one.talks + other.talks, has_email=has_email)
        )
        assert born == merged.people[-1].birth_on
    found = builds.rows(merged)
    assert found == reading.rows(merged, DECLARED)
    by_event = [name for name, trigger in DECLARED.items() if trigger.get("event") in ("form_submit", "order")]
    kept, before = ({key for key in rows if key.split(":")[0] in by_event} for rows in (found, built))
    assert kept == before != set()
