"""The steps of a night one by one, on small real files: what they find, show, and leave for the report."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from assets.ingest.landing import land
from assets.ingest.totals import newest_batches, sum_up
from assets.night import Night
from assets.publish import snapshot as publish_step
from assets.publish.departing import judge_all
from assets.publish.night import conclude
from assets.transform.child import dying_with
from perennial.audiences.definition import AudienceDefinition, ConsentRule, SizeBand
from perennial.config.home import Home
from perennial.warehouse import build, certificate
from perennial.warehouse.duck import connect
from tests.support.installation import installed_in

NOW = datetime(2026, 3, 1, 3, tzinfo=UTC)
WIN_BACK = AudienceDefinition("win_back", ConsentRule("email", "marketing"), "email", "owner@example.com")


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home").prepare()


def night_in(home: Home, content: dict | None = None, as_of: datetime = NOW, **env: str) -> Night:
    installed = installed_in(home, content, {"PERENNIAL_AS_OF": as_of.isoformat(), **env}, clock=lambda: NOW)
    return installed.night()


def write(folder: Path, table: str, text: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{table}.csv").write_text(text, encoding="utf-8")


def test_landing_adds_its_sources_up_and_says_what_went_to_quarantine(home: Home, tmp_path: Path) -> None:
    write(
        tmp_path / "one", "shop_customers", "customer_id,email,created_at\n1,a@example.com,2026-01-01\n2,,2026-02-01\n"
    )
    write(
        tmp_path / "two",
        "shop_customers",
        "customer_id,email,created_at\n1,b@example.com,2026-01-05\n,c@example.com,\n",
    )
    sources = {name: {"kind": "files", "path": str(tmp_path / name)} for name in ("one", "two")}
    night = night_in(home, {"sources": sources})
    total = sum_up(land(night))["landing", "shop_customers"]
    assert (total.received, total.accepted, total.landed, total.quarantined) == (4, 3, 3, 1)
    assert total.metadata()["watermark"] == "2026-02-01T00:00:00"
    assert total.metadata()["sources"] == "one, two"
    (line,) = night.tally.steps
    assert line.rows == 3
    assert line.note == "4 received: 3 new, 0 held already, 1 in quarantine"
    again = land(night_in(home, {"sources": sources}))
    assert sum_up(again)["landing", "shop_customers"].metadata()["held already"] == 3
    assert night.tally.degraded == []


def test_a_source_that_fails_degrades_the_night_and_the_others_land(home: Home, tmp_path: Path) -> None:
    write(tmp_path / "one", "shop_customers", "customer_id\n1\n")
    missing = tmp_path / "not there"
    sources = {"one": {"kind": "files", "path": str(tmp_path / "one")}, "two": {"kind": "files", "path": str(missing)}}
    night = night_in(home, {"sources": sources})
    assert sum_up(land(night))["landing", "shop_customers"].landed == 1
    (problem,) = night.tally.degraded
    assert problem.startswith("source two failed")
    assert "not there" in problem


def test_landing_writes_perennials_own_tables_and_the_typed_empty_files(home: Home, tmp_path: Path) -> None:
    land(night_in(home))
    for table in ("loads", "source_settings", "plans", "deliveries", "memberships"):
        assert home.own_table(table).exists(), table
    assert (home.identity_journal / "_empty.parquet").exists()
    assert (home.landed_table("sql", "crm_deals") / "_empty.parquet").exists()


def test_the_newest_batch_is_what_the_last_load_brought_and_nothing_when_it_brought_nothing(
    home: Home, tmp_path: Path
) -> None:
    write(tmp_path / "one", "shop_customers", "customer_id\n1\n")
    night = night_in(home, {"sources": {"one": {"kind": "files", "path": str(tmp_path / "one")}}})
    land(night)
    (file,) = newest_batches(home, ["one"])["shop_customers"]
    assert file.exists()
    land(night)
    assert newest_batches(home, ["one"]) == {}


def finished_build(night: Night, members: int, consents: int) -> None:
    """A build file as dbt would leave it: `members` people in win_back, the first `consents` of whom agreed."""
    with connect(night.home.build_file) as connection:
        connection.execute("create schema customer; create schema audiences")
        connection.execute(
            "create table customer.customers as"
            f" select 'c' || i as customer_id, 'p' || i || '@example.com' as email from range({members}) t(i)"
        )
        connection.execute(
            "create table customer.customer_consents as select 'c' || i as customer_id, 'email' as channel,"
            f" 'marketing' as purpose, null::varchar as brand, 'granted' as status from range({consents}) t(i)"
        )
        connection.execute("create table audiences.win_back as select customer_id from customer.customers")
    build.write_record(night.home, build.BuildRecord(night.snapshot_id, night.as_of, NOW, "inputs"))


def test_a_departing_failure_holds_the_audience_and_the_tables_are_published(home: Home) -> None:
    night = night_in(home)
    finished_build(night, members=3, consents=2)
    verdicts, sizes = judge_all(night, {"win_back": WIN_BACK})
    assert sizes == {"win_back": 3}
    assert not verdicts["win_back"].passed
    issued = publish_step.publish(night, ["win_back"])
    assert issued.tables["customer.customers"] == 3
    with pytest.raises(certificate.CertificateError, match="did not pass its departing checks"):
        certificate.verify(home, certificate.read(home, issued.snapshot_id), "win_back")
    assert conclude(night) == "held"


def test_a_stage_out_of_its_usual_range_is_told_by_the_night_that_publishes_it(home: Home) -> None:
    night = night_in(home)
    finished_build(night, members=1, consents=1)
    with connect(home.build_file) as connection:
        connection.execute(
            "create schema lifecycle; create table lifecycle.stage_shifts as select 'five_stage' as stage_model,"
            " date '2026-02-16' as week_on, 'lapsed' as stage, 'inflow' as measure, 90.0::double as value,"
            " 10.0::double as usual_from, 20.0::double as usual_to, true as is_last_week"
        )
    assert conclude(night) == "done"
    publish_step.publish(night, [])
    assert conclude(night) == "done"
    before, after = [json.loads(line)["lines"] for line in home.nights_log.read_text().splitlines()]
    assert before == []
    assert "90 people entered five_stage lapsed, usually 10 to 20" in after[0]


def test_a_stale_source_degrades_the_night_that_publishes_it(home: Home) -> None:
    night = night_in(home)
    finished_build(night, members=1, consents=1)
    with connect(home.build_file) as connection:
        connection.execute(
            "create schema publish; create table publish.source_status as"
            " select 'crm' as source_name, 'crm_deals' as table_name, timestamp '2026-01-01' as watermark_at,"
            " true as is_stale union all select 'shop', 'shop_orders', timestamp '2026-02-28', false"
        )
    publish_step.publish(night, [])
    assert night.tally.degraded == ["source crm is stale"]
    assert conclude(night) == "degraded"


def test_an_audience_outside_its_band_may_not_leave(home: Home) -> None:
    night = night_in(home)
    finished_build(night, members=3, consents=3)
    banded = AudienceDefinition("win_back", WIN_BACK.consent, "email", "o@example.com", size=SizeBand(0, 2))
    verdicts, _sizes = judge_all(night, {"win_back": banded})
    assert "the audience has 0 to 2 members" in verdicts["win_back"].failures[0]


def test_an_audience_that_was_not_checked_on_this_very_build_may_not_leave(home: Home) -> None:
    night = night_in(home)
    finished_build(night, members=3, consents=3)
    build.write_verdicts(home, "20200101T000000.000000Z", {"win_back": certificate.AudienceVerdict(True)})
    issued = publish_step.publish(night, ["win_back"])
    assert not issued.audiences["win_back"].passed


def test_without_a_finished_build_nothing_is_published(home: Home) -> None:
    night = night_in(home)
    finished_build(night, members=1, consents=1)
    build.forget(home)
    with pytest.raises(build.BuildError, match="no build has finished"):
        publish_step.publish(night, [])


def test_a_run_before_the_published_as_of_neither_publishes_nor_activates_unless_asked(home: Home) -> None:
    night = night_in(home)
    finished_build(night, members=1, consents=1)
    publish_step.publish(night, [])
    earlier = NOW - timedelta(days=30)
    assert publish_step.before_published(night_in(home, as_of=NOW)) is None
    assert "PERENNIAL_REPLAY=1" in str(publish_step.before_published(night_in(home, as_of=earlier)))
    assert publish_step.before_published(night_in(home, as_of=earlier, PERENNIAL_REPLAY="1")) is None


def test_the_night_is_one_line_in_its_log_and_one_alert_where_a_person_should_know(home: Home, tmp_path: Path) -> None:
    told = tmp_path / "told"
    alerts = [{"kind": "command", "command": ["/bin/sh", "-c", f"cat >> '{told}'"]}]
    night = night_in(home, {"alerts": alerts})
    night.tally.degraded.append("source crm is stale")
    assert conclude(night) == "degraded"
    (entry,) = [json.loads(line) for line in home.nights_log.read_text().splitlines()]
    assert entry["outcome"] == "degraded"
    assert entry["snapshot_id"] is None
    assert told.read_text().count("source crm is stale") == 1


def test_a_night_that_went_well_alerts_nobody(home: Home, tmp_path: Path) -> None:
    told = tmp_path / "told"
    night = night_in(home, {"alerts": [{"kind": "command", "command": ["/bin/sh", "-c", f"cat > '{told}'"]}]})
    assert conclude(night) == "done"
    assert not told.exists()


def test_an_alert_that_cannot_be_sent_is_noted_and_stops_nothing(home: Home) -> None:
    night = night_in(home, {"alerts": [{"kind": "command", "command": ["/does/not/exist"]}]})
    assert conclude(night, failure="build_warehouse: no space left") == "failed"
    assert any(note.startswith("alert: ") for note in night.tally.notes)


def test_held_outranks_degraded_since_it_waits_for_a_person(home: Home) -> None:
    night = night_in(home)
    night.tally.degraded.append("mailer failed")
    night.tally.held.append("win_back → mailer held: shrank by half")
    assert conclude(night) == "held"


def test_a_damaged_build_file_is_set_aside(home: Home) -> None:
    home.build_file.write_bytes(b"\0" * 8192)
    assert build.set_damaged_aside(home) is not None
    assert not home.build_file.exists()
    with connect(home.build_file) as connection:
        connection.execute("create table t as select 1")
    assert build.set_damaged_aside(home) is None
    assert home.build_file.exists()


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's parent-death signal is Linux's")
def test_a_child_does_not_outlive_a_parent_that_was_killed() -> None:
    """Else a killed night's dbt would go on writing the build file the next night needs."""
    parent = (
        "import os, subprocess, sys, time; from assets.transform.child import dying_with;"
        "child = subprocess.Popen([*dying_with(os.getpid()), '/bin/sleep', '60']);"
        "print(child.pid, flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", parent], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        child = int(process.stdout.readline())
        time.sleep(0.5)
        process.kill()
    deadline = time.monotonic() + 10
    while is_alive(child) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not is_alive(child)
    assert dying_with(1)[-1] == "1"


def is_alive(process_id: int) -> bool:
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{process_id}/status")
    return not (status.exists() and "\nState:\tZ" in status.read_text())
