"""Checks and the sensor as Dagster runs them, on real batches and a real build file."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import pytest

from assets.ingest.landing import land
from assets.night import Night
from orchestration.checks import SOURCE_STATUS, arriving_checks, freshness_checks
from orchestration.instance import BY_COMMAND, STARTED_BY
from orchestration.resources import Installation, resources
from orchestration.sensors import failed_night_sensor
from perennial.config.home import Home
from perennial.warehouse.duck import connect
from tests.support.installation import installed_in

NOW = datetime(2026, 3, 1, 3, tzinfo=UTC)


@pytest.fixture
def installed(tmp_path: Path) -> Installation:
    folder = tmp_path / "exports"
    folder.mkdir()
    (folder / "shop_customers.csv").write_text(
        "customer_id,email,created_at\n1,ada@example.com,2026-01-01\n2,at the till,2026-01-02\n", encoding="utf-8"
    )
    content = {
        "sources": {
            "shop": {"kind": "files", "path": str(folder), "stale_after": "36h"},
            "crm": {"kind": "files", "path": str(folder), "stale_after": "36h"},
            "old": {"kind": "files", "path": str(folder)},
        },
        "alerts": [{"kind": "command", "command": ["/bin/sh", "-c", f"cat >> '{tmp_path / 'told'}'"]}],
    }
    return installed_in(Home(tmp_path / "home").prepare(), content, clock=lambda: NOW)


def run_checks(
    installed: Installation, checks: list[dg.AssetChecksDefinition], *assets: dg.AssetKey, night: Night | None = None
) -> dict[str, dg.AssetCheckEvaluation]:
    definitions = dg.Definitions(
        assets=[dg.AssetSpec(key) for key in assets], asset_checks=checks, resources=resources(installed, night)
    )
    job = definitions.resolve_implicit_global_asset_job_def()
    done = job.execute_in_process()
    assert done.success
    return {f"{each.asset_key.path[-1]}.{each.check_name}": each for each in done.get_asset_check_evaluations()}


def test_an_odd_batch_fails_its_check_as_a_warning_and_nothing_stops(installed: Installation) -> None:
    night = installed.night()
    land(night)
    tables = ["shop_customers", "shop_orders"]
    keys = [dg.AssetKey(["landing", table]) for table in tables]
    found = run_checks(installed, [arriving_checks(tables)], *keys, night=night)
    odd, quiet = found["shop_customers.arriving"], found["shop_orders.arriving"]
    assert not odd.passed
    assert odd.severity == dg.AssetCheckSeverity.WARN
    assert "email mostly looks like an e-mail address: 3 of 6" in str(odd.description)
    assert "at the till" not in str(odd)
    assert quiet.passed
    assert quiet.description == "nothing new arrived"
    told = [note for note in night.tally.notes if "newly arrived" in note]  # the night prints it and alerts repeat it
    assert told == [f"shop_customers, newly arrived: {odd.description}"]


def test_a_stale_source_fails_its_freshness_check_and_names_the_table(installed: Installation) -> None:
    with connect(installed.home.build_file) as connection:
        connection.execute(
            "create schema publish; create table publish.source_status as"
            " select 'crm' as source_name, 'crm_deals' as table_name, timestamp '2026-01-01 12:00:00' as watermark_at,"
            " true as is_stale union all select 'shop', 'shop_orders', timestamp '2026-02-28', false"
        )
    found = run_checks(installed, freshness_checks(installed.settings), SOURCE_STATUS)
    assert set(found) == {"source_status.fresh_crm", "source_status.fresh_shop"}
    assert found["source_status.fresh_shop"].passed
    stale = found["source_status.fresh_crm"]
    assert not stale.passed
    assert "crm_deals" in str(stale.description)
    assert "2026-01-01 12:00:00" in str(stale.description)


def fail(tags: dict[str, str], installed: Installation) -> None:
    """A run of a nightly job that fails, and the daemon's sensor looking at it."""

    @dg.op
    def broken() -> None:
        raise dg.Failure("no space left")

    @dg.job(name="nightly")
    def nightly() -> None:
        broken()

    with dg.DagsterInstance.ephemeral() as instance:
        done = nightly.execute_in_process(instance=instance, raise_on_error=False, tags=tags)
        context = dg.build_run_status_sensor_context(
            sensor_name="failed_night",
            dagster_instance=instance,
            dagster_run=done.dagster_run,
            dagster_event=done.get_run_failure_event(),
        )
        failed_night_sensor(installed, nightly)(context.for_run_failure())


def test_a_failed_scheduled_night_is_reported_once_by_the_sensor(installed: Installation, tmp_path: Path) -> None:
    fail({}, installed)
    assert (tmp_path / "told").read_text().count("failed: nothing new was published") == 1
    (entry,) = [json.loads(line) for line in installed.home.nights_log.read_text().splitlines()]
    assert entry["outcome"] == "failed"


def test_a_failed_night_of_the_command_is_not_reported_twice(installed: Installation, tmp_path: Path) -> None:
    fail({STARTED_BY: BY_COMMAND}, installed)
    assert not (tmp_path / "told").exists()
