"""Dagster's own storage of one home: where runs are remembered, and how they are watched.

What lives here: dagster.yaml, opening the instance, and clearing up after a run whose process is gone. What does not:
jobs.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import dagster as dg

from orchestration.storage import unhurried
from perennial.config.files import make_folder, write_atomically
from perennial.config.home import Home

MAX_RUNTIME = timedelta(hours=6)  # a night that takes longer hangs
STARTED_BY = "perennial/started_by"
BY_COMMAND = "nightly"
KEEP_RUNS = 400  # more than a year of nights


def dagster_yaml(folder: Path) -> str:
    """What dagster.yaml says in this DAGSTER_HOME."""
    return f"""\
# Written by Perennial at set-up; edit orchestration/instance.py instead.
telemetry:
  enabled: false
event_log_storage:
  module: orchestration.storage
  class: KeptOpenEventLog
  config:
    base_dir: {json.dumps(str(folder.resolve() / "history" / "runs"))}
run_monitoring:
  enabled: true
  start_timeout_seconds: 300
  cancel_timeout_seconds: 180
  max_runtime_seconds: {int(MAX_RUNTIME.total_seconds())}
  free_slots_after_run_end_seconds: 60  # a cancelled run would keep the warehouse's slot for ever
  poll_interval_seconds: 60
concurrency:
  pools:
    default_limit: 1
    granularity: op
  runs:
    max_concurrent_runs: 1
retention:
  schedule:
    purge_after_days: 90
  sensor:
    purge_after_days:
      skipped: 7
      failure: 30
      success: 90
"""


def prepare(home: Home) -> Path:
    """DAGSTER_HOME of this home, with its dagster.yaml as this version wants it."""
    folder = make_folder(home.dagster)
    file = folder / "dagster.yaml"
    wanted = dagster_yaml(folder)
    if not file.exists() or file.read_text(encoding="utf-8") != wanted:
        write_atomically(file, wanted)
    return folder


@contextmanager
def open_instance(home: Home) -> Iterator[dg.DagsterInstance]:
    """The instance that remembers this home's runs."""
    folder = prepare(home).resolve()
    with unhurried(folder), dg.DagsterInstance.from_config(str(folder)) as instance:
        yield instance


def fail_lost_runs(instance: dg.DagsterInstance) -> list[str]:
    """Mark as failed what a killed `nightly` left as started. Call it while holding the installation's lock."""
    lost = instance.get_runs(
        filters=dg.RunsFilter(
            statuses=[dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.NOT_STARTED],
            tags={STARTED_BY: BY_COMMAND},
        )
    )
    for run in lost:
        instance.report_run_failed(run, message="The process of this run ended without finishing it.")
    _free_slots(instance)
    return [run.run_id for run in lost]


def _free_slots(instance: dg.DagsterInstance) -> None:
    """Give back the pool slots of runs that are over: without a daemon nobody else does, and the next run would wait
    for the writer's slot for ever. A killed run may have been marked as failed before its slot was given back."""
    storage = instance.event_log_storage
    for pool in storage.get_concurrency_keys():
        info = storage.get_concurrency_info(pool)
        for run_id in info.active_run_ids | info.assigned_run_ids | info.pending_run_ids:
            run = instance.get_run_by_id(run_id)
            if run is None or run.is_finished:
                storage.free_concurrency_slots_for_run(run_id)


def forget_old_runs(instance: dg.DagsterInstance, keep: int = KEEP_RUNS) -> int:
    """Delete the oldest runs beyond `keep`, with their events: run storage stays bounded."""
    old = instance.get_run_records()[keep:]
    for record in old:
        instance.delete_run(record.dagster_run.run_id)
    return len(old)


def run_tags(started_by: str) -> Mapping[str, str]:
    return {STARTED_BY: started_by}
