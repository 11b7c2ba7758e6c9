"""Publishing: whole snapshots, one swap, nothing half-seen, nothing lost to a kill."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from perennial.config.home import Home
from perennial.warehouse import certificate, journal, retention
from perennial.warehouse.build import new_snapshot_id
from tests.unit.warehouse.world import night

PLACES = (
    "publish_table", "publish_files", "publish_certificate", "publish_rename", "publish_journal", "publish_swap",
)  # fmt: skip


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home").prepare()


def read(home: Home, sql: str) -> list[tuple]:
    with duckdb.connect(str(home.published_file), read_only=True) as connection:
        return connection.execute(sql).fetchall()


def test_output_schemas_are_published_as_tables_and_private_ones_are_not(home: Home) -> None:
    night(home, "one")
    found = read(
        home, "select table_schema || '.' || table_name, table_type from information_schema.tables order by all"
    )
    assert found == [
        ("audiences.win_back", "BASE TABLE"),
        ("customer.customers", "BASE TABLE"),
        ("customer.customers_masked", "BASE TABLE"),
        ("kpis.kpi_values", "BASE TABLE"),
        ("publish.snapshot", "BASE TABLE"),
        ("publish.source_status", "BASE TABLE"),
    ]
    types = read(home, "select column_name, data_type from information_schema.columns where table_name = 'customers'")
    assert ("revenue_amount", "DECIMAL(18,4)") in types


def test_the_published_database_is_written_for_readers_on_1_5(home: Home) -> None:
    night(home, "one")
    head = home.published_file.read_bytes()[:4096]
    assert head[8:12] == b"DUCK"
    assert 64 <= int.from_bytes(head[12:20], "little") <= 68


def test_the_certificate_speaks_for_every_file_and_table(home: Home) -> None:
    issued = night(home, "one")
    held = certificate.read(home, certificate.current_snapshot_id(home))
    assert held == issued
    folder = home.snapshot(issued.snapshot_id)
    on_disk = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert set(held.files) == on_disk - {"certificate.json"}
    assert "parquet/customer/customers_masked.parquet" in held.files
    assert all(certificate.file_hash(folder / name) == digest for name, digest in held.files.items())
    assert held.tables["customer.customers"] == 5
    assert held.sources == (certificate.SourceMark("shop", "shop_orders", "2026-01-01T10:00:00Z", False),)
    certificate.verify(home, held, "win_back")


def test_parquet_holds_what_the_database_holds(home: Home) -> None:
    night(home, "one")
    files = home.current_link / "parquet" / "customer" / "customers.parquet"
    assert duckdb.sql(f"select count(*), any_value(run) from '{files}'").fetchall() == [(5, "one")]


def test_ids_given_for_the_first_time_are_journaled_before_anybody_reads_them(home: Home) -> None:
    issued = night(home, "one")
    ids = home.identity_journal / f"{issued.snapshot_id}.parquet"
    rows = duckdb.sql(f"select record_id, customer_id, action, cause from '{ids}' order by all").fetchall()
    assert rows == [("one-0", "c0", None, None), ("one-1", "c1", "merge", "same_email: a and b")]
    holds = home.journal / "holds" / f"{issued.snapshot_id}.parquet"
    rows = duckdb.sql(
        f"select review_id, action, customer_id, other_customer_id, snapshot_id from '{holds}'"
    ).fetchall()
    assert rows == [("r1", "hold", "c1", "c2", issued.snapshot_id)]
    assert not list(home.journal.glob("*/.*"))


def test_a_journal_of_an_older_home_gains_the_columns_it_lacks(home: Home) -> None:
    old = home.identity_journal / "_empty.parquet"
    old.parent.mkdir(parents=True, exist_ok=True)
    duckdb.sql(f"copy (select '' as source_name, '' as customer_id where false) to '{old}' (format parquet)")
    journal.ensure(home)
    for each in journal.JOURNALS:
        found = duckdb.sql(f"select * from '{home.journal / each.name / '_empty.parquet'}'")
        assert found.columns == list(each.columns) and found.fetchall() == []


def test_the_last_three_snapshots_are_kept_and_the_links_lead_to_the_newest(home: Home) -> None:
    ids = [night(home, str(run), keep=3).snapshot_id for run in range(5)]
    assert [folder.name for folder in retention.snapshots(home)] == ids[-3:]
    assert os.readlink(home.current_link) == ids[-1]
    assert os.readlink(home.published_file) == "current/perennial.duckdb"


def test_snapshot_ids_grow_even_if_the_clock_steps_back(home: Home) -> None:
    first = night(home, "one").snapshot_id
    assert new_snapshot_id(home, datetime(2001, 1, 1, tzinfo=UTC)) > first


def test_an_old_reader_keeps_its_snapshot_while_a_new_one_is_published(home: Home) -> None:
    night(home, "one")
    with duckdb.connect(str(home.published_file), read_only=True) as old:
        code = f"from tests.unit.warehouse.world import *; night(Home(Path({str(home.root)!r})), 'two')"
        subprocess.run([sys.executable, "-c", code], check=True)
        assert old.execute("select distinct run from customer.customers").fetchall() == [("one",)]
    assert read(home, "select distinct run from customer.customers") == [("two",)]


@pytest.mark.parametrize("place", PLACES)
def test_a_kill_while_publishing_leaves_a_whole_snapshot_and_the_next_night_cleans_up(home: Home, place: str) -> None:
    first = night(home, "one").snapshot_id
    killed = subprocess.run(
        [sys.executable, "-m", "tests.unit.warehouse.world", str(home.root), "two"],
        env=os.environ | {"PERENNIAL_FAILPOINT": f"{place}:1:kill9"},
        check=False,
    )
    assert killed.returncode == -9
    expected = "two" if place == "publish_swap" else "one"
    assert read(home, "select distinct run from customer.customers") == [(expected,)]
    held = certificate.read(home, certificate.current_snapshot_id(home))
    certificate.verify(home, held, "win_back")
    assert (held.snapshot_id == first) == (expected == "one")
    last = night(home, "three").snapshot_id
    names = sorted(path.name for path in home.published.iterdir())
    keep = [first, last] if expected == "one" else [first, held.snapshot_id, last]
    assert names == sorted([*keep, "current", "perennial.duckdb"])
    assert not list(home.identity_journal.glob(".*"))


def test_a_reader_polling_through_fifty_publishes_sees_whole_snapshots_only(home: Home, tmp_path: Path) -> None:
    night(home, "0")
    stop = tmp_path / "stop"
    reader = subprocess.Popen(
        [sys.executable, "-m", "tests.unit.warehouse.reader", str(home.published), str(stop)], stdout=subprocess.PIPE
    )
    for run in range(1, 51):
        night(home, str(run))
    stop.touch()
    output, _ = reader.communicate(timeout=60)
    report = json.loads(output)
    assert report["errors"] == []
    assert report["torn"] == 0
    assert report["polls"] > 50
    assert report["snapshots"] > 10
