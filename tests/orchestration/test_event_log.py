"""The event log that keeps its files open: the same files as Dagster's own, fewer engines.

What lives here: what is stored, who else can read it, and how many engines it takes. What does not: nights.
"""

from __future__ import annotations

from pathlib import Path
from unittest.mock import patch

import dagster as dg
import pytest
from dagster._core.storage.event_log.sqlite import SqliteEventLogStorage

from orchestration import storage
from orchestration.instance import open_instance
from perennial.config.home import Home

KEYS = [dg.AssetKey(f"table_{number}") for number in range(12)]


@dg.multi_asset(specs=[dg.AssetSpec(key) for key in KEYS])
def tables():
    for key in KEYS:
        yield dg.MaterializeResult(asset_key=key)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home").prepare()


def run(home: Home) -> str:
    with open_instance(home) as instance:
        return dg.materialize([tables], instance=instance).run_id


def test_dagsters_own_event_log_reads_what_ours_wrote(home: Home) -> None:
    run_id = run(home)
    theirs = SqliteEventLogStorage(str(home.dagster / "history" / "runs"))
    stored = [each.dagster_event.event_type_value for each in theirs.get_logs_for_run(run_id) if each.dagster_event]
    assert stored.count("ASSET_MATERIALIZATION") == len(KEYS)
    assert stored[-1] == "PIPELINE_SUCCESS"
    assert set(theirs.all_asset_keys()) == set(KEYS)


def test_a_run_takes_a_handful_of_engines_and_not_one_per_event(home: Home) -> None:
    run(home)
    with patch.object(storage, "create_engine", wraps=storage.create_engine) as made:
        run(home)
    assert 1 <= made.call_count <= 4


def test_the_files_of_many_runs_are_let_go_and_a_wiped_log_begins_anew(home: Home) -> None:
    first = run(home)
    with open_instance(home) as instance:
        log = instance.event_log_storage
        assert isinstance(log, storage.KeptOpenEventLog)
        for number in range(3 * storage.OPEN_FILES):
            log.get_logs_for_run(f"run-{number}")
        assert len(log._engines) <= storage.OPEN_FILES + 1
        assert log.get_logs_for_run(first)
        log.wipe()
        assert list(log.get_logs_for_run(first)) == []
        assert list(log.all_asset_keys()) == []
    assert run(home) != first


def test_a_forgotten_run_leaves_no_file(home: Home) -> None:
    kept, forgotten = run(home), run(home)
    with open_instance(home) as instance:
        instance.delete_run(forgotten)
    files = {path.name.split(".")[0] for path in (home.dagster / "history" / "runs").iterdir()}
    assert kept in files
    assert forgotten not in files
