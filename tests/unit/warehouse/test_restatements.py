"""Published figures that were final and moved: each told once, with the cause, and nothing where nothing moved."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from perennial.config.home import Home
from perennial.warehouse import build, journal
from perennial.warehouse.build import BuildRecord, new_snapshot_id
from perennial.warehouse.comparison import Watched
from perennial.warehouse.duck import connect
from perennial.warehouse.restatements import COLUMNS, Edition, find
from perennial.warehouse.snapshot import publish

MARCH, APRIL = datetime(2024, 3, 15, tzinfo=UTC), datetime(2024, 4, 1, 12, tzinfo=UTC)
WATCHED = {
    "lifecycle.moves": Watched(
        key=("stage_model", "month", "reason"),
        final={"people": "month + interval 1 month <= as_of_on"},
        until="month + interval 1 month",
        family=("stage_model",),
        stage_model="stage_model",
    ),
    "kpis.kpi_values": Watched(
        key=("kpi", "day"), final={"value": "is_closed"}, until="day + 1", family=("kpi",), variables=("window",)
    ),
}
RULES = {
    "stage_models.funnel": "one", "stage_models.rfm": "same", "vars.window": "30", "vars.other": "1",
    "settings.time_zone": "UTC", "code.kpis.kpi_values": "a",
}  # fmt: skip
Rows = list[tuple[Any, ...]]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home").prepare()


MOVES: Rows = [
    ("funnel", "2024-01-01", "price", 5), ("funnel", "2024-01-01", None, 2), ("funnel", "2024-03-01", "price", 1),
    ("rfm", "2024-02-01", None, 9),
]  # fmt: skip
VALUES: Rows = [("aov", "2024-03-13", 10.5, True), ("aov", "2024-03-15", 3.0, False), ("rate", "2024-03-01", 0.5, True)]


def built(
    home: Home,
    moves: Rows = MOVES,
    values: Rows = VALUES,
    *,
    as_of: datetime = MARCH,
    rules: Mapping[str, str] = RULES,
    late: Sequence[tuple[Any, ...]] = (),
    merged: int = 0,
    mean: float = 20,
) -> BuildRecord:
    """The build file of a night, as far as it is compared."""
    home.warehouse.mkdir(parents=True, exist_ok=True)
    home.build_file.unlink(missing_ok=True)
    now = datetime.now(UTC)
    journal.ensure(home)
    past = f"select * from '{home.journal}/restatements/*.parquet'"
    with connect(home.build_file) as con:
        for schema in ("lifecycle", "kpis", "input", "identity", "customer", "publish"):
            con.execute(f"create schema {schema}")
        con.execute("create table lifecycle.moves (stage_model varchar, month date, reason varchar, people bigint)")
        con.execute("create table kpis.kpi_values (kpi varchar, day date, value double, is_closed boolean)")
        con.execute("create table input.shop_orders (ordered_at timestamp, loaded_at timestamp)")
        con.execute(f"create table identity.identity_moves as select range from range({merged})")
        con.execute(
            f"create table customer.customers as select {mean}::decimal(18,4) as revenue_amount, 1 as orders_count"
        )
        con.execute(f"create view publish.restatements as {past}")
        for table, rows in {"lifecycle.moves": moves, "kpis.kpi_values": values}.items():
            con.executemany(f"insert into {table} values ({', '.join('?' * len(rows[0]))})", rows)
        for ordered_at in late:
            con.execute("insert into input.shop_orders values (?, ?)", [*ordered_at, now.replace(tzinfo=None)])
    return BuildRecord(new_snapshot_id(home, now), as_of, now, "inputs", rules, watched=WATCHED, moving=("rfm",))


def night(home: Home, *args: Any, **options: Any) -> str:
    return publish(home, built(home, *args, **options), {}).snapshot_id


def restated(home: Home, columns: str = "table_name, row_key, old_value, new_value, cause") -> Rows:
    """What readers of the published database are told, oldest first."""
    with duckdb.connect(str(home.published_file), read_only=True) as con:
        return con.execute(f"select {columns} from publish.restatements order by snapshot_id, row_key").fetchall()


def changed(rows: Rows, number: int, row: tuple[Any, ...] | None) -> Rows:
    return [*rows[:number], *([row] if row else []), *rows[number + 1 :]]


def test_the_first_night_and_one_like_the_last_restate_nothing(home: Home) -> None:
    night(home)
    assert restated(home) == []
    night(home, as_of=APRIL)
    assert restated(home) == []
    assert [path.name for path in (home.journal / "restatements").iterdir()] == ["_empty.parquet"]


def test_only_what_was_final_is_told_and_its_rule_is_the_cause(home: Home) -> None:
    before = night(home)
    moves = changed(changed(MOVES, 2, ("funnel", "2024-03-01", "price", 7)), 1, ("funnel", "2024-01-01", None, 3))
    values = changed(VALUES, 1, ("aov", "2024-03-15", 99.0, True))
    after = night(home, moves, values, as_of=APRIL, rules={**RULES, "stage_models.funnel": "two"})
    columns = (
        "table_name, figure, row_key, stage_model, old_value, new_value, delta, cause, evidence,"
        " previous_rule_version, rule_version, previous_snapshot_id, snapshot_id, previous_as_of, as_of"
    )
    (row,) = restated(home, columns)
    assert row == (
        "lifecycle.moves", "people", '{"stage_model":"funnel","month":"2024-01-01","reason":null}', "funnel", 2, 3, 1,
        "new_rule", "new_rule: one before, two now", "one", "two", before, after,
        MARCH.replace(tzinfo=None), APRIL.replace(tzinfo=None),
    )  # fmt: skip


def test_rows_that_come_or_go_are_told_but_not_a_new_report_nor_an_empty_row(home: Home) -> None:
    night(home)
    moves = [
        *changed(MOVES, 0, None), ("funnel", "2024-02-01", "price", 4), ("funnel", "2024-02-01", "none", 0),
        ("funnel@old", "2024-01-01", "price", 5),
    ]  # fmt: skip
    night(
        home, moves, changed(VALUES, 2, ("clv", "2024-03-01", 8.0, True)), rules={**RULES, "stage_models.funnel": "two"}
    )
    assert [(json.loads(key)["month"], old, new) for _table, key, old, new, _cause in restated(home)] == [
        ("2024-01-01", 5, None), ("2024-02-01", None, 4),
    ]  # fmt: skip


EVERYWHERE = ("funnel", "rfm", "kpis.kpi_values")


@pytest.mark.parametrize(
    ("options", "causes"),
    [
        ({}, dict.fromkeys(EVERYWHERE, "unexplained")),
        (
            {"late": [(datetime(2024, 2, 10),)]},
            {"funnel": "unexplained", "rfm": "late_data", "kpis.kpi_values": "late_data"},
        ),
        ({"merged": 2}, dict.fromkeys(EVERYWHERE, "identity")),
        ({"mean": 21}, {"funnel": "unexplained", "rfm": "store_mean", "kpis.kpi_values": "unexplained"}),
        (
            {"rules": {**RULES, "vars.window": "60", "vars.other": "2"}},
            {"funnel": "unexplained", "rfm": "unexplained", "kpis.kpi_values": "changed_setting"},
        ),
        (
            {"rules": {**RULES, "code.kpis.kpi_values": "b"}},
            {"funnel": "unexplained", "rfm": "unexplained", "kpis.kpi_values": "changed_code"},
        ),
        ({"rules": {**RULES, "settings.time_zone": "Europe/London"}}, dict.fromkeys(EVERYWHERE, "changed_setting")),
        (
            {"rules": {**RULES, "stage_models.rfm": "two"}, "late": [(datetime(2024, 1, 31, 23, 59),)]},
            {"funnel": "late_data", "rfm": "new_rule, late_data", "kpis.kpi_values": "late_data"},
        ),
    ],
    ids=["none", "late", "merged", "mean", "setting", "code", "time_zone", "rule_and_late"],
)
def test_each_possible_cause_is_named_where_it_may_have_been_the_cause(
    home: Home, options: dict[str, Any], causes: dict[str, str]
) -> None:
    """A night that moved January's moves of both models and a day of March."""
    moves = changed(changed(MOVES, 0, ("funnel", "2024-01-01", "price", 6)), 3, ("rfm", "2024-02-01", None, 8))
    assert told(home, RULES, moves, changed(VALUES, 0, ("aov", "2024-03-13", 11.0, True)), **options) == causes


def test_what_an_older_version_published_without_its_rules_may_have_moved_by_the_new_one(home: Home) -> None:
    moves = changed(MOVES, 0, ("funnel", "2024-01-01", "price", 6))
    assert told(home, {"customers": "abc"}, moves) == {"funnel": "changed_code"}


def told(home: Home, made_by: Mapping[str, str], *args: Any, **options: Any) -> dict[str, str]:
    """Cause by stage model, or by table where none decides: tonight's build against a night `made_by` other rules."""
    before = built(home, rules=made_by)
    last = shutil.copy(home.build_file, home.root / "last.duckdb")
    after = built(home, *args, **options)
    with connect(None) as con:
        con.execute(f"attach '{last}' as last (read_only)")
        con.execute(f"attach '{home.build_file}' as build (read_only)")
        sides = [Edition(each.snapshot_id, each.as_of, each.built_at, each.rule_versions) for each in (before, after)]
        find(con, WATCHED, *sides, ("rfm",))
        return dict(con.execute("select coalesce(stage_model, table_name), cause from temp.restated").fetchall())


def test_an_event_after_as_of_or_landed_before_is_not_late(home: Home) -> None:
    night(home)
    moves = changed(MOVES, 0, ("funnel", "2024-01-01", "price", 6))
    night(home, moves, as_of=APRIL, late=[(MARCH.replace(tzinfo=None),)])
    assert [row[4] for row in restated(home)] == ["unexplained"]


def test_restatements_outlive_the_warehouse_and_are_told_once_and_back(home: Home) -> None:
    moves = changed(MOVES, 0, ("funnel", "2024-01-01", "price", 6))
    night(home)
    for each in (moves, moves, MOVES, MOVES):
        night(home, each)
        home.build_file.unlink()
    night(home)
    assert [(old, new) for _table, _key, old, new, _cause in restated(home)] == [(5, 6), (6, 5)]
    with duckdb.connect(str(home.published_file), read_only=True) as con:
        types = con.execute(
            "select column_name, lower(data_type) from duckdb_columns() where table_name = 'restatements'"
        )
        assert dict(types.fetchall()) == COLUMNS


def test_a_look_at_an_earlier_time_restates_nothing(home: Home) -> None:
    night(home, as_of=APRIL)
    night(home, changed(MOVES, 0, ("funnel", "2024-01-01", "price", 6)), as_of=MARCH)
    assert restated(home) == []


def test_a_published_file_that_cannot_be_read_is_replaced_without_comparing(home: Home) -> None:
    last = night(home)
    (home.snapshot(last) / "perennial.duckdb").write_bytes(b"torn")
    night(home, changed(MOVES, 0, ("funnel", "2024-01-01", "price", 6)))
    assert restated(home) == []


@pytest.mark.parametrize("place", ["publish_rename", "publish_journal"])
def test_a_killed_night_restates_nothing_twice(home: Home, place: str) -> None:
    """Killed while it publishes, and run again: each restatement stands there once, whichever run told it."""
    night(home)
    moves = changed(MOVES, 0, ("funnel", "2024-01-01", "price", 6))
    build.write_record(home, built(home, moves))
    code = (
        "import os, sys; from pathlib import Path; from perennial.config.failpoints import Failpoints;"
        "from perennial.config.home import Home; from perennial.warehouse import build, snapshot;"
        "home = Home(Path(sys.argv[1]));"
        "snapshot.publish(home, build.read_record(home), {}, failpoint=Failpoints.from_env(os.environ))"
    )
    env = {**os.environ, "PERENNIAL_FAILPOINT": f"{place}:1:kill9"}
    assert subprocess.run([sys.executable, "-c", code, str(home.root)], env=env).returncode == -9
    night(home, moves)
    assert [(old, new) for _table, _key, old, new, _cause in restated(home)] == [(5, 6)]
    found = duckdb.sql(f"select * from '{home.journal}/restatements/*.parquet'").fetchall()
    assert len(found) == 1
