"""Whole nights on a small shop: what is published and sent, what a second night does, and what a bad one leaves alone.

Each night costs many seconds, so these tests tell one story in order: every test goes on from the one before.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import pytest

from orchestration import nightly
from orchestration.definitions import build_defs
from orchestration.instance import open_instance
from orchestration.resources import installation
from perennial.config.home import Home
from perennial.warehouse import certificate
from tests.conftest import ROOT
from tests.support.installation import write_config
from tests.support.nights import emptied

AS_OF = "2026-03-01"
CUSTOMERS = [f"c{number}" for number in range(1, 7)]


def exports(folder: Path) -> None:
    """Six customers, one order each: four last year (lapsed), two this February. c4 never agreed to e-mail."""
    folder.mkdir(parents=True)
    lapsed = {"c1", "c2", "c3", "c4"}
    tables = {
        "shop_customers": ["customer_id,email,created_at"]
        + [f"{each},{each}@example.com,2025-01-01T00:00:00Z" for each in CUSTOMERS],
        "shop_orders": ["order_id,customer_id,ordered_at,currency,status"]
        + [
            f"o{each},{each},{'2025-06-01' if each in lapsed else '2026-02-10'}T12:00:00Z,GBP,paid"
            for each in CUSTOMERS
        ],
        "shop_order_lines": ["order_id,line_id,quantity,unit_price_amount"]
        + [f"o{each},1,2,10.00" for each in CUSTOMERS],
        "consents": ["contact_ref,contact_ref_type,channel,purpose,status,changed_at"]
        + [f"{each},customer_id,email,marketing,granted,2025-01-02T00:00:00Z" for each in CUSTOMERS if each != "c4"],
    }
    for table, lines in tables.items():
        (folder / f"{table}.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")


@pytest.fixture(scope="module")
def world(parsed_home: Home, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Home, Path, Path]]:
    """Home, outbox and the file alerts are written to. The home's path is the one dbt has parsed for."""
    emptied(parsed_home)
    folder = tmp_path_factory.mktemp("installation")
    exports(folder / "exports")
    told = folder / "told"
    write_config(
        folder,
        {
            "sources": {"shop": {"kind": "files", "path": "exports/"}},
            "destinations": {"print_house": {"kind": "files", "path": "outbox/", "audiences": "all"}},
            "alerts": [{"kind": "command", "command": ["/bin/sh", "-c", f"cat >> '{told}'"]}],
        },
    )
    yield parsed_home, folder / "outbox", told


@pytest.fixture
def run(world: tuple[Home, Path, Path], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> object:
    home, outbox, _told = world

    def go(as_of: str = AS_OF, **env: str) -> tuple[int, str]:
        for name, value in {
            "PERENNIAL_HOME": str(home.root), "PERENNIAL_CONFIG": str(outbox.parent / "perennial.yml"),
            "PERENNIAL_AS_OF": as_of, **env,
        }.items():  # fmt: skip
            monkeypatch.setenv(name, value)
        status = nightly.main([])
        return status, capsys.readouterr().out

    return go


def published(home: Home, sql: str) -> list[tuple]:
    with duckdb.connect(str(home.published_file), read_only=True) as connection:
        return connection.execute(sql).fetchall()


def sent(outbox: Path) -> list[Path]:
    return sorted(outbox.rglob("*.csv"))


def wire_rows(home: Home) -> int:
    with sqlite3.connect(home.ledger_file) as ledger:
        return ledger.execute("select coalesce(sum(attempts), 0) from deliveries").fetchone()[0]


def test_the_first_night_lands_builds_publishes_and_sends(world: tuple[Home, Path, Path], run) -> None:
    home, outbox, told = world
    status, output = run()
    assert status == nightly.DONE, output
    assert published(home, "select count(*), sum(net_revenue_amount) from customer.customers") == [(6, 120)]
    assert published(home, "select count(*) from audiences.win_back") == [(3,)]
    assert wire_rows(home) == 3
    assert len(sent(outbox)) == 1
    assert not told.exists()
    for step in (
        "land sources",
        "check arriving batches",
        "build the warehouse",
        "check departing",
        "publish",
        "send win_back",
    ):
        assert step in output, output
    assert "audience win_back is meant for mailer, which is not configured; skipped" in output
    assert "INFO" not in output
    assert "DEBUG" not in output


def test_the_certificate_of_that_night_passed_every_check(world: tuple[Home, Path, Path]) -> None:
    home, _outbox, _told = world
    held = certificate.read(home, certificate.current_snapshot_id(home))
    certificate.verify(home, held, "win_back")
    assert held.checks.passed > 50
    assert held.checks.failed == ()
    declared = {path.stem for path in (ROOT / "models" / "audiences").glob("*.sql")}
    assert held.audiences == dict.fromkeys(declared, certificate.AudienceVerdict(True)) and "win_back" in declared
    assert held.as_of.isoformat() == "2026-03-01T00:00:00+00:00"
    assert {"customers", "stage_models.five_stage", "vars.lapsed_after_days"} <= set(held.rule_versions)


def test_dagster_remembers_rows_watermarks_and_checks(world: tuple[Home, Path, Path]) -> None:
    home, _outbox, _told = world
    with open_instance(home) as instance:
        landed = instance.get_latest_materialization_event(dg.AssetKey(["landing", "shop_orders"]))
        built = instance.get_latest_materialization_event(dg.AssetKey(["customer", "customers"]))
        sent_to = instance.get_latest_materialization_event(dg.AssetKey(["activation", "win_back", "print_house"]))
        (latest,) = instance.get_runs(limit=1)
    metadata = landed.asset_materialization.metadata  # type: ignore[union-attr]
    assert metadata["landed"].value == 6
    assert metadata["watermark"].value.startswith("2026-02-10T12:00:00")
    assert built.asset_materialization.metadata["dagster/row_count"].value == 6  # type: ignore[union-attr]
    assert sent_to.asset_materialization.metadata["verdict"].value == "sent"  # type: ignore[union-attr]
    assert latest.status == dg.DagsterRunStatus.SUCCESS


def test_a_second_night_sends_nothing_keeps_every_id_and_says_that_a_source_was_missing(
    world: tuple[Home, Path, Path], run
) -> None:
    home, outbox, _told = world
    before = published(home, "select customer_id from customer.customers order by 1")
    journal = list(home.identity_journal.glob("[0-9]*.parquet"))
    folder = outbox.parent / "exports"
    folder.rename(folder.with_name("gone"))
    status, output = run()
    folder.with_name("gone").rename(folder)
    assert status == nightly.DEGRADED, output
    assert "source shop failed" in output
    assert published(home, "select customer_id from customer.customers order by 1") == before
    assert wire_rows(home) == 3
    assert len(sent(outbox)) == 1
    assert list(home.identity_journal.glob("[0-9]*.parquet")) == journal
    assert len(journal) == 1


@pytest.fixture
def only(world: tuple[Home, Path, Path], manifest: dict[str, Any]) -> Callable[..., dg.ExecuteInProcessResult]:
    """Run chosen steps by themselves, as a person may from the UI."""
    home, outbox, _told = world

    def go(*keys: str, as_of: str = AS_OF) -> dg.ExecuteInProcessResult:
        env = {
            "PATH": os.environ["PATH"], "PERENNIAL_HOME": str(home.root), "PERENNIAL_AS_OF": as_of,
            "PERENNIAL_CONFIG": str(outbox.parent / "perennial.yml"),
        }  # fmt: skip
        definitions = build_defs(installation(env, say=lambda _line: None), manifest)
        job = definitions.resolve_implicit_global_asset_job_def()
        return job.execute_in_process(
            asset_selection=[dg.AssetKey(key.split("/")) for key in keys], raise_on_error=False
        )

    return go


def test_publishing_and_sending_as_of_an_earlier_time_leave_everything_as_it_is(
    world: tuple[Home, Path, Path], only
) -> None:
    home, _outbox, _told = world
    current = os.readlink(home.current_link)
    done = only("publish/snapshot", "activation/win_back/print_house", as_of="2025-12-01")
    assert done.success
    metadata = {each.asset_key.path[-1]: each.metadata for each in materializations(done)}
    assert metadata["snapshot"]["is_published"].value is False
    assert metadata["print_house"]["verdict"].value == "skipped"
    assert os.readlink(home.current_link) == current
    assert wire_rows(home) == 3


def test_sending_alone_refuses_a_snapshot_without_its_certificate(world: tuple[Home, Path, Path], only) -> None:
    home, _outbox, _told = world
    file = home.current_link / "certificate.json"
    content = file.read_bytes()
    file.unlink()
    done = only("activation/win_back/print_house")
    file.write_bytes(content)
    assert done.success
    (made,) = materializations(done)
    assert made.metadata["verdict"].value == "refused"
    (check,) = done.get_asset_check_evaluations()
    assert not check.passed
    assert wire_rows(home) == 3


def materializations(done: dg.ExecuteInProcessResult) -> list[dg.AssetMaterialization]:
    return [event.step_materialization_data.materialization for event in done.get_asset_materialization_events()]


def test_a_failed_build_publishes_nothing_sends_nothing_and_tells_somebody_once(
    world: tuple[Home, Path, Path], run
) -> None:
    home, _outbox, told = world
    current = os.readlink(home.current_link)
    (landed,) = home.landed_table("files", "shop_orders").glob("[0-9]*.parquet")
    whole = landed.read_bytes()
    landed.write_bytes(whole[: len(whole) // 2])
    try:
        status, output = run()
    finally:
        landed.write_bytes(whole)
    assert status == nightly.FAILED, output
    assert os.readlink(home.current_link) == current
    assert wire_rows(home) == 3
    assert told.read_text().count("failed: nothing new was published") == 1
    assert [json.loads(line)["outcome"] for line in home.nights_log.read_text().splitlines()][-1] == "failed"


def test_an_audience_that_shrank_is_held_for_a_person_but_whoever_withdrew_leaves_and_the_tables_are_published(
    world: tuple[Home, Path, Path], run
) -> None:
    home, outbox, told = world
    for table, row in (
        ("consents", "c2,customer_id,email,marketing,denied,2026-02-20T00:00:00Z"),
        ("shop_orders", "again,c1,2026-02-20T12:00:00Z,GBP,paid"),
        ("shop_order_lines", "again,1,1,10.00"),
    ):
        with (outbox.parent / "exports" / f"{table}.csv").open("a", encoding="utf-8") as file:
            file.write(f"{row}\n")
    current = os.readlink(home.current_link)
    status, output = run()
    assert status == nightly.HELD, output
    assert os.readlink(home.current_link) != current
    assert published(home, "select count(*) from audiences.win_back") == [(1,)]
    assert wire_rows(home) == 4
    assert "1 who withdrew consent were taken off" in output
    assert "waits for a person" in told.read_text()
