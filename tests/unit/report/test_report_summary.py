"""The summary over a small published snapshot made by hand, with a real ledger beside it."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest
from rich.console import Console
from typer.testing import CliRunner

from perennial.cli.main import build_app
from perennial.config.home import Home
from perennial.ledger.records import Channel, NewPlan, PlannedRow, Settlement
from perennial.ledger.store import open_ledger
from perennial.report.published import Unreadable, open_published
from perennial.report.summary import print_summary

MONTHS = [f"2026-{month:02d}-01" for month in range(1, 9)]  # January to August; August is still running


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path / "home").prepare()
    publish(home, "20260815T030000")
    entry = {
        "ended_at": "2026-08-15T03:04:00+00:00", "as_of": "2026-08-15T00:00:00+00:00", "snapshot_id": "20260815T030000",
        "outcome": "degraded", "lines": ["crm: folder is missing"],
        "steps": [{"name": "land sources", "rows": 1234, "note": "", "seconds": 3.21}],
    }  # fmt: skip
    home.nights_log.write_text(json.dumps({"outcome": "done"}) + "\n" + json.dumps(entry) + '\n{"outcome": "cut of')
    return home


def publish(home: Home, snapshot_id: str, drop: str | None = None) -> None:
    """A snapshot with a few people, hand-written KPI rows and one stale and one failed source."""
    folder = home.snapshot(snapshot_id)
    folder.mkdir(parents=True)
    with duckdb.connect(str(folder / "perennial.duckdb")) as connection:
        for schema in ("customer", "lifecycle", "kpis", "publish"):
            connection.execute(f"create schema {schema}")
        connection.execute("""
            create table customer.customers as select * from (values ('p1', 'ada@example.com', 3), ('p2', null, 0))
                t(customer_id, email, orders_count);
            create table lifecycle.customer_stages as select * from (values
                ('p1', 'five_stage', 'lapsed'), ('p2', 'five_stage', 'loyalty'), ('p3', 'five_stage', 'lapsed'),
                ('p1', 'other_model', 'somewhere')) t(customer_id, stage_model, stage);
            create table publish.source_status as select * from (values
                ('shop', 'shop_orders', 1200, timestamp '2026-08-14 22:10:00', false, null),
                ('crm', '(none)', 0, null, false, 'folder is missing'),
                ('mail', 'messages', 7, timestamp '2026-08-01 00:00:00', true, 'newest row is old'))
                t(source_name, table_name, rows_count, watermark_at, is_stale, reason);
            create table kpis.kpi_values (kpi text, variant text, grain text, period_start_on date, dimension text,
                segment text, currency text, numerator decimal(18, 4), denominator decimal(18, 4), value double,
                is_closed boolean);
        """)
        for number, month in enumerate(MONTHS, 1):
            closed = month != MONTHS[-1]
            kpi(connection, "aov", "default", "month", month, "GBP", 100.0 + number, closed)
            kpi(connection, "customer_retention_rate", "period_over_period", "month", month, None, 0.1234, closed)
            kpi(connection, "reactivated_orders", "default", "month", month, None, 1000.0 + number, closed)
        kpi(connection, "aov", "default", "all", MONTHS[0], "GBP", 104.5, False)
        kpi(connection, "aov", "default", "month", MONTHS[6], "GBP", 999.0, True, dimension="country")
        kpi(connection, "repeat_purchase_rate", "default", "all", MONTHS[0], None, None, False)
        if drop:
            connection.execute(drop)
    link = home.published / "swap"
    os.symlink(snapshot_id, link)
    os.replace(link, home.current_link)


def kpi(
    connection: duckdb.DuckDBPyConnection, kpi: str, variant: str, grain: str, start: str, currency: str | None,
    value: float | None, is_closed: bool, dimension: str = "all",
) -> None:  # fmt: skip
    row = [kpi, variant, grain, start, dimension, "all", currency, value, is_closed]
    connection.execute("insert into kpis.kpi_values values (?, ?, ?, ?, ?, ?, ?, 1, 1, ?, ?)", row)


def summary(home: Home) -> tuple[str, list[str]]:
    console = Console(width=160, record=True, file=open(os.devnull, "w"))  # noqa: SIM115 - closed with the process
    problems = print_summary(home, console)
    return console.export_text(), problems


def line_of(text: str, beginning: str) -> list[str]:
    (line,) = [line for line in text.splitlines() if line.startswith(beginning)]
    return line[len(beginning) :].split()


def test_the_summary_shows_the_last_six_closed_months_and_all_time(home: Home) -> None:
    text, problems = summary(home)
    assert problems == []
    assert line_of(text, "KPI ") == ["2026-02", "2026-03", "2026-04", "2026-05", "2026-06", "2026-07", "all", "time"]
    assert line_of(text, "aov · default (GBP)") == [
        "102.00",
        "103.00",
        "104.00",
        "105.00",
        "106.00",
        "107.00",
        "104.50",
    ]
    assert line_of(text, "customer_retention_rate · period_over_period") == ["12.3%"] * 6 + ["–"]
    assert line_of(text, "reactivated_orders · default")[0] == "1,002"
    assert "repeat_purchase_rate" not in text  # nothing to show: neither a month nor a value for all time
    assert "999" not in text  # a segment's value is not everybody's


def test_the_summary_shows_stages_sources_and_the_last_whole_line_of_the_log(home: Home) -> None:
    text, _ = summary(home)
    assert "2 people, 1 of them have bought" in text
    assert line_of(text, "lapsed ") == ["2", "66.7%"]
    assert text.index("loyalty") < text.index("lapsed")  # in the order of the model, not by size
    assert "somewhere" not in text
    assert line_of(text, "shop ") == ["shop_orders", "1,200", "2026-08-14", "22:10", "ok"]
    assert "failed: folder is missing" in text and "stale: newest row is old" in text
    assert "Last night: degraded · as of 2026-08-15T00:00:00+00:00 · snapshot 20260815T030000" in text
    assert line_of(text, "land sources") == ["1,234", "3.2"]


def test_the_summary_shows_what_was_sent_by_ids_and_never_an_address(home: Home) -> None:
    plan = NewPlan(
        channel=Channel("win_back", "mailer"), snapshot_id="20260815T030000", plan_hash="a" * 64, verdict="approved",
        reason="",
        unchanged_count=0, held_count=0, audience_count=7, withheld_count=0, baseline_held=0, baseline_leaves=0,
        rows=tuple(PlannedRow("join", f"p{n}", f"p{n}@example.com", "{}", f"p{n}") for n in range(7)),
    )  # fmt: skip
    with open_ledger(home, clock=lambda: datetime(2026, 8, 15, 3, tzinfo=UTC)) as ledger:
        ledger.commit_plan(plan)
        owed = ledger.owed(plan.channel)
        ledger.begin_attempt(plan.channel, owed, "b1", plan.snapshot_id, datetime(2026, 8, 15, 3, tzinfo=UTC))
        ledger.settle(plan.channel, [Settlement(row, "acknowledged") for row in owed[:6]])
        ledger.settle(plan.channel, [Settlement(owed[6], "rejected", "no such mailbox")])
    text, problems = summary(home)
    assert problems == []
    assert line_of(text, "win_back → mailer ") == ["approved", "7", "0", "6"]
    (beginning,) = [n for n, line in enumerate(text.splitlines()) if line.startswith("  win_back → mailer, plan ")]
    assert text.splitlines()[beginning].endswith(": 6 acknowledged, 1 rejected")
    ids = [line.strip() for line in text.splitlines()[beginning + 1 : beginning + 7]]
    assert ids == ["p0", "p1", "p2", "p3", "p4", "Where to look next"]
    assert "@" not in text


@pytest.mark.parametrize(
    ("drop", "says"),
    [
        ("alter table kpis.kpi_values drop column is_closed", "kpis.kpi_values: snapshot 20260816T030000 lacks"),
        ("drop table lifecycle.customer_stages", "lifecycle.customer_stages: is not in snapshot 20260816T030000"),
        ("alter table customer.customers rename column orders_count to orders", "customer.customers: snapshot"),
    ],
)  # fmt: skip
def test_a_table_that_lacks_something_is_named_and_the_rest_is_still_shown(home: Home, drop: str, says: str) -> None:
    publish(home, "20260816T030000", drop)
    text, problems = summary(home)
    assert len(problems) == 1 and problems[0].startswith(says) and "run the nightly job" in problems[0]
    assert " ".join(says.split()[:2]) in " ".join(text.split())
    assert "stale: newest row is old" in text


def without_snapshot(home: Home) -> None:
    os.unlink(home.current_link)


def with_a_link_to_nowhere(home: Home) -> None:
    os.unlink(home.current_link)
    os.symlink("20990101T000000", home.current_link)


def with_a_garbled_file(home: Home) -> None:
    (home.current_link / "perennial.duckdb").write_bytes(b"not a database" * 1000)


@pytest.mark.parametrize("harm", [without_snapshot, with_a_link_to_nowhere, with_a_garbled_file])
def test_a_home_without_a_readable_snapshot_says_so_and_what_to_do(home: Home, harm: Callable[[Home], None]) -> None:
    harm(home)
    with pytest.raises(Unreadable, match=r"run (the nightly job|`make nightly`)"), open_published(home):
        pass
    text, problems = summary(home)
    assert len(problems) == 1
    assert "Where to look next" in text


def test_reading_a_snapshot_leaves_it_as_it_was(home: Home) -> None:
    before = (home.current_link / "perennial.duckdb").read_bytes()
    summary(home)
    assert (home.current_link / "perennial.duckdb").read_bytes() == before
    assert sorted(path.name for path in home.snapshot("20260815T030000").iterdir()) == ["perennial.duckdb"]
    assert not home.ledger_file.exists()  # looking does not make a ledger


def test_the_report_command_succeeds_on_a_published_home_and_fails_on_an_empty_one(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "perennial.yml").write_text("business: {time_zone: Europe/London, currency: GBP}\n")
    monkeypatch.setenv("PERENNIAL_CONFIG", str(tmp_path / "perennial.yml"))
    monkeypatch.setenv("PERENNIAL_HOME", str(home.root))
    shown = CliRunner().invoke(build_app(), ["report"])
    assert shown.exit_code == 0 and "KPIs of the last closed months" in shown.output
    monkeypatch.setenv("PERENNIAL_HOME", str(tmp_path / "empty"))
    empty = CliRunner().invoke(build_app(), ["report"])
    assert empty.exit_code == 1 and "nothing is published here yet" in " ".join(empty.output.split())


def test_a_demo_world_is_named_in_the_commands_to_try_next(home: Home) -> None:
    (home.root / "perennial.yml").write_text("business: {}\n", encoding="utf-8")
    text, _ = summary(home)
    assert f"PERENNIAL_HOME={home.root} PERENNIAL_CONFIG={home.root}/perennial.yml make dev" in text
