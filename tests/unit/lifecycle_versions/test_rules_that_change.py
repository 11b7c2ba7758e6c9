"""Four people, worked out by hand: a label renamed, a threshold moved and moved back, an order that came late.

Anna ordered once, on 10 January, Ben on 1 March, Cleo on 1 May; Dora never did. As of 20 May, under 90 days Anna has
lapsed (10 April); under 60 she lapsed on 11 March already, and Ben on 1 May.
"""

from __future__ import annotations

import copy
import json
import shutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import pytest
import yaml

from perennial.config.home import Home
from perennial.config.settings import Business
from perennial.lifecycle import rules, versions
from perennial.lifecycle.declaration import rule_versions
from perennial.report.impact import DEFAULT_BUDGET, Impact, compare
from perennial.report.impact_builds import Build
from perennial.report.impact_page import page
from perennial.warehouse.build import BuildRecord, new_snapshot_id
from perennial.warehouse.journal import ensure
from perennial.warehouse.snapshot import publish
from tests.conftest import ROOT
from tests.support.dbt_runs import DbtRuns
from tests.support.installation import installed_in
from tests.support.nights import fingerprints, unequal
from tests.unit.lifecycle_reference.world import Order, Person, World, write_world

AS_OF = datetime(2024, 5, 20, tzinfo=UTC)
ALL = "order_states side_events side_changes stg_journal__restatements restatements periods cohort_retention"
FOLLOWING = "order_changes fact_changes stage_history customer_stages stage_transitions"
BUSINESS = Business(time_zone="UTC", currency="GBP")
DUE = "select 'win_back' as trigger_name, customer_id as event_key, 'due' as status from ({})"
WINBACK = "select customer_id from lifecycle.customer_stages where stage_model = 'five_stage' and stage = 'lapsed'"
Rows = list[tuple[Any, ...]]


def at(day: str) -> datetime:
    return datetime.fromisoformat(f"{day}T10:00:00+00:00")


def person(name: str, *days: str) -> Person:
    orders = [Order(("shop", f"{name}_{day}"), name, at(day), 10, 10) for day in days]
    return Person(name, at(days[0] if days else "2024-02-01"), None, orders)


def world(anna: tuple[str, ...] = ("2024-01-10",)) -> World:
    people = [person("anna", *anna), person("ben", "2024-03-01"), person("cleo", "2024-05-01"), person("dora")]
    return World(ZoneInfo("UTC"), AS_OF, people)


def with_days(declared: Mapping[str, Any], days: int) -> dict[str, Any]:
    """five_stage with another number of days to lapse after."""
    models = copy.deepcopy(dict(declared))
    for stage in models["five_stage"]["stages"]:
        bound = stage["bounds"].get("days_since_last_order", {})
        bound.update({end: days + (end == "min") for end in bound})
    return models


@dataclass
class Nights:
    """What came of each night, by its name."""

    home: Home
    declared: dict[str, Any]
    snapshots: dict[str, str] = field(default_factory=dict)
    builds: dict[str, Build] = field(default_factory=dict)
    tables: dict[str, dict[str, tuple[int, int]]] = field(default_factory=dict)

    def told(self, night: str, columns: str) -> Rows:
        """What this night restated, as its readers see it."""
        with duckdb.connect(str(self.home.snapshot(self.snapshots[night]) / "perennial.duckdb"), read_only=True) as con:
            return con.execute(
                f"select {columns} from publish.restatements where snapshot_id = ? order by all",
                [self.snapshots[night]],
            ).fetchall()

    def impact(self, old: str, new: str, home: Home) -> Impact:
        return compare(self.builds[old], self.builds[new], installed_in(home).settings, AS_OF)


@pytest.fixture(scope="module")
def nights(parsed_home: Home, manifest: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nights]:
    folder = tmp_path_factory.mktemp("versions")
    declared = rules.variables(ROOT)
    models = declared["stage_models"]
    renamed = copy.deepcopy(models)
    (conversion,) = [each for each in renamed["five_stage"]["stages"] if each["stage"] == "conversion"]
    conversion |= {"label": "Newcomers", "next_action": "Say hello"}
    home = Home(folder / "home").prepare()
    found = Nights(home, declared)
    env = installed_in(parsed_home).night().dbt.env | {
        "PERENNIAL_AS_OF_UTC": AS_OF.strftime("%Y-%m-%d %H:%M:%S.%f"), "PERENNIAL_TIME_ZONE": "UTC",
        "PERENNIAL_KEPT_STAGE_MODELS": "{}",
    }  # fmt: skip
    ensure(parsed_home)
    known, late = world(), world(("2024-01-10", "2024-04-05"))
    try:
        with DbtRuns(env) as dbt:
            write_world(known, parsed_home.build_file)
            for name, stage_models in (
                ("first", models), ("renamed", renamed), ("sixty", with_days(models, 60)), ("back", models),
                ("late", models),
            ):  # fmt: skip
                told = dict(env)
                if name == "late":  # and the version of that one night is kept from now on
                    write_world(late, parsed_home.build_file)
                    _land(parsed_home.build_file, at("2024-04-05"))
                    sixty = rule_versions(with_days(models, 60))["five_stage"]
                    kept = versions.kept(home, {"five_stage": [sixty[:8]]}, models)
                    told["PERENNIAL_KEPT_STAGE_MODELS"] = json.dumps(kept)
                select = [*FOLLOWING.split(), *(ALL.split() if name in ("first", "late") else ())]
                variables = json.dumps({"stage_models": stage_models})
                statuses = dbt.run(["run", "--select", *select, "--vars", variables], told)
                assert set(statuses.values()) == {"success"}, statuses
                _publish(found, parsed_home, name, manifest, {**declared, "stage_models": stage_models}, folder)
        yield found
    finally:
        shutil.rmtree(parsed_home.build_file.parent, ignore_errors=True)
        parsed_home.prepare()


def _land(build_file: Path, ordered_at: datetime) -> None:
    with duckdb.connect(str(build_file)) as con:
        con.execute("create or replace table input.shop_orders (ordered_at timestamp, loaded_at timestamp)")
        con.execute("insert into input.shop_orders values (?, now()::timestamp)", [ordered_at.replace(tzinfo=None)])


def _publish(
    nights: Nights, parsed: Home, name: str, manifest: dict[str, Any], declared: dict[str, Any], folder: Path
) -> None:
    """Publish the build as this night's, and keep a copy of it with the rules it was made by."""
    now = datetime.now(UTC)
    with duckdb.connect(str(parsed.build_file)) as con:
        con.execute("create schema if not exists audiences")
        con.execute(f"create or replace table audiences.win_back as {WINBACK}")
        con.execute("create or replace table customer.customers as select customer_id from customer.people")
        con.execute(f"create or replace table lifecycle.trigger_events as {DUE.format(WINBACK)}")
    shutil.copy(parsed.build_file, nights.home.build_file)
    made_by = rules.rules(BUSINESS, manifest, declared)
    stages = {key.removeprefix("stage_models."): value for key, value in made_by.items() if "stage_models." in key}
    versions.remember(nights.home, declared["stage_models"], stages, now)
    snapshot_id = new_snapshot_id(nights.home, now)
    record = BuildRecord(
        snapshot_id, AS_OF, now, "inputs", made_by,
        watched=rules.watched(manifest), moving=rules.moving(declared),
    )  # fmt: skip
    publish(nights.home, record, {}, keep=9)
    project = folder / name
    project.mkdir()
    (project / "dbt_project.yml").write_text(yaml.safe_dump({"vars": declared}))
    copied = Path(shutil.copy(parsed.build_file, project / "build.duckdb"))
    nights.builds[name], nights.snapshots[name] = Build(copied, project, manifest), snapshot_id
    nights.tables[name] = fingerprints(copied, ("lifecycle", "kpis", "audiences"))


def test_another_label_moves_nobody_restates_nothing_and_is_the_same_version(nights: Nights, tmp_path: Path) -> None:
    impact = nights.impact("first", "renamed", Home(tmp_path / "home"))
    assert [model.moved for model in impact.models] == [0, 0, 0, 0]
    assert [model.versions[0] == model.versions[1] for model in impact.models] == [True] * 4
    assert impact.figures == {} and impact.over(dict.fromkeys(DEFAULT_BUDGET, 0.0)) == []
    assert nights.told("renamed", "*") == []
    assert unequal(nights.tables["first"], nights.tables["renamed"]) == ["lifecycle.customer_stages"]
    assert impact.labels == (("five_stage", "conversion", "Conversion", "Newcomers"),)
    text = page(impact, "main", "abc", DEFAULT_BUDGET)
    assert "`conversion` is called Newcomers, was Conversion" in text
    assert "the next action of `conversion` is Say hello, was " in text
    assert "Nobody changes stage in any model." in text and "None reads otherwise." in text


def test_another_threshold_moves_ben_who_joins_the_audience(nights: Nights, tmp_path: Path) -> None:
    impact = nights.impact("first", "sixty", Home(tmp_path / "home"))
    (five_stage,) = [model for model in impact.models if model.name == "five_stage"]
    assert set(five_stage.moves) == {
        ("lapsed", "lapsed", 1), ("conversion", "lapsed", 1), ("conversion", "conversion", 1),
        ("awareness", "awareness", 1),
    }  # fmt: skip
    assert five_stage.versions[0] != five_stage.versions[1]
    assert [model.moved for model in impact.models if model.name != "five_stage"] == [0, 0, 0]
    (audience,) = impact.audiences
    assert (audience.old_size, audience.new_size, audience.joins, audience.leaves) == (1, 2, 1, 0)
    assert impact.triggers == {"win_back": (1, 0)}
    assert nights.impact("sixty", "first", Home(tmp_path / "back")).triggers == {"win_back": (0, 1)}
    assert impact.measures()["stage_changes"] == 0.25 and impact.measures()["audience_turnover"] == 0.5
    assert impact.over(DEFAULT_BUDGET) == ["stage_changes", "audience_turnover"]
    assert impact.over({**DEFAULT_BUDGET, "stage_changes": 0.25, "audience_turnover": 0.5}) == []
    text = page(impact, "main", "abc", DEFAULT_BUDGET)
    assert "| `conversion` |  | 1 | 1 |" in text and "| `win_back` | 1 | 2 | 1 | 0 |" in text


# Anna's lapse, under 90 days and under 60: in which month, and after how many days of conversion
NINETY = {"customers_count": 1.0, "moves_count": 1.0, "median_days": 90.583333, "p90_days": 90.583333}
SIXTY = {"customers_count": 1.0, "moves_count": 1.0, "median_days": 60.583333, "p90_days": 60.583333}


def rounded(rows: Iterable[tuple[Any, ...]]) -> Rows:
    return [tuple(round(cell, 6) if isinstance(cell, float) else cell for cell in row) for row in rows]


def lapse(month: str, to_stage: str = "lapsed") -> str:
    """The row of stage_transitions that counts it."""
    key = {"stage_model": "five_stage", "month": month, "from_stage": "conversion", "to_stage": to_stage}
    return json.dumps(key, separators=(",", ":"))


def test_another_threshold_restates_annas_lapse_and_not_bens_of_the_running_month(nights: Nights) -> None:
    gone = [("lifecycle.stage_transitions", lapse("2024-04-01"), each, old, None) for each, old in NINETY.items()]
    come = [("lifecycle.stage_transitions", lapse("2024-03-01"), each, None, new) for each, new in SIXTY.items()]
    told = nights.told("sixty", "table_name, row_key, figure, old_value, new_value")
    assert sorted(rounded(told), key=str) == sorted(gone + come, key=str)
    old, new = (rule_versions(with_days(nights.declared["stage_models"], days))["five_stage"] for days in (90, 60))
    assert old != new
    because = nights.told("sixty", "distinct cause, previous_rule_version, rule_version, evidence")
    assert because == [("new_rule", old, new, f"new_rule: {old} before, {new} now")]


def test_setting_it_back_gives_the_old_tables_exactly_and_tells_the_way_back(nights: Nights) -> None:
    assert nights.tables["sixty"]["lifecycle.stage_history"] != nights.tables["first"]["lifecycle.stage_history"]
    assert unequal(nights.tables["first"], nights.tables["back"]) == []
    there = nights.told("sixty", "row_key, figure, old_value, new_value, delta, cause")
    back = nights.told("back", "row_key, figure, new_value, old_value, -delta, cause")
    assert back == there and len(back) == 8


def test_an_order_that_came_late_restates_its_month_and_says_so(nights: Nights) -> None:
    """Anna ordered again on 5 April, which nobody knew: she did not lapse that month, and was active in it."""
    expected = [
        *(("lifecycle.stage_transitions", lapse("2024-04-01"), each, old, None) for each, old in NINETY.items()),
        *(
            ("lifecycle.stage_transitions", lapse("2024-04-01", "retention"), each, None, new)
            for each, new in {"customers_count": 1.0, "moves_count": 1.0, "median_days": 86.0, "p90_days": 86.0}.items()
        ),
        ("kpis.cohort_retention", '{"cohort_month_on":"2024-01-01","months_since":3}', "active_count", 0.0, 1.0),
    ]
    columns = "table_name, row_key, figure, old_value, new_value"
    told = [row for row in nights.told("late", f"{columns}, stage_model") if row[5] in (None, "five_stage")]
    assert sorted(rounded(row[:5] for row in told), key=str) == sorted(expected, key=str)
    assert {cause for (cause,) in nights.told("late", "distinct cause")} == {"late_data"}
    assert nights.told("late", "distinct evidence") == [("late_data: 1 of shop_orders from 2024-04-05 on",)]


def test_a_version_that_is_kept_stands_beside_the_current_one_and_restates_nothing(nights: Nights) -> None:
    version = rule_versions(with_days(nights.declared["stage_models"], 60))["five_stage"]
    ben = (
        "select stage, valid_from, valid_to, cause_event_id, rule_version from lifecycle.stage_history"
        " where customer_id = 'ben' and stage_model = ? order by valid_from"
    )
    found = {}
    for night in ("first", "sixty", "late"):
        with duckdb.connect(str(nights.builds[night].file), read_only=True) as con:
            for name in ("five_stage", f"five_stage@{version[:12]}"):
                found[night, name] = con.execute(ben, [name]).fetchall()
    assert found["late", f"five_stage@{version[:12]}"] == found["sixty", "five_stage"]
    assert [(row[0], row[4]) for row in found["sixty", "five_stage"]] == [("conversion", version), ("lapsed", version)]
    assert found["late", "five_stage"] == found["first", "five_stage"] != found["sixty", "five_stage"]
    assert nights.told("late", "row_key") and not [row for row in nights.told("late", "row_key") if "@" in row[0]]


def test_every_published_version_is_written_down_once_with_when(nights: Nights) -> None:
    known = versions.published(nights.home, "five_stage")
    assert [each["rule_version"] for each in known] == [
        rule_versions(with_days(nights.declared["stage_models"], days))["five_stage"] for days in (90, 60)
    ]
    assert known[0]["declaration"] == nights.declared["stage_models"]["five_stage"]
    assert known[0]["first_published_at"] < known[1]["first_published_at"]
    assert len(versions.published(nights.home, "rfm_map")) == 1
