"""Nights and builds as the end-to-end tests run them, and fingerprints of what they leave.

What lives here: starting a whole night as schedulers do, landing and building without the rest, order-free hashes of
tables. What does not: data, and expected figures.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import duckdb

from assets.ingest.landing import land
from assets.night import DbtProcess
from assets.transform.dbt import QUIET_DBT
from orchestration.manifest import manifest
from orchestration.resources import installation
from perennial.config.home import Home
from tests.support.installation import write_config

ROOT = Path(__file__).resolve().parents[2]
# what a rerun may change: when it ran, under which snapshot id, and what the channel was sent meanwhile
# models and the seeds they read, no tests
BUILD = ("build", "--exclude-resource-type", "test", "--exclude-resource-type", "unit_test")
VOLATILE = {"last_load_id", "last_loaded_at"}
DATA_SCHEMAS = ("customer", "lifecycle", "kpis", "audiences", "publish")
NOT_DATA = {("publish", "snapshot"), ("lifecycle", "history_inputs")}
# beside a kept table (its mark): how it was made, not what it holds
BESIDE = "__"


def emptied(home: Home) -> Home:
    """The home without all but dbt's parse, which holds only while the path of the build file stands still."""
    for each in home.root.iterdir():
        if each != home.dbt:
            shutil.rmtree(each) if each.is_dir() else each.unlink()
    return home.prepare()


def night_env(home: Home, config: Path, as_of: str | None, more: Mapping[str, str] | None = None) -> dict[str, str]:
    env = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "PYTHONPATH") if name in os.environ}
    env |= {"PERENNIAL_CONFIG": str(config), "PERENNIAL_HOME": str(home.root)}
    return env | ({"PERENNIAL_AS_OF": as_of} if as_of else {}) | dict(more or {})


def start_night(
    home: Home, config: Path, as_of: str | None = None, more: Mapping[str, str] | None = None
) -> subprocess.Popen[str]:
    """The night in a process group of its own, as a scheduler would start it."""
    return subprocess.Popen(
        [sys.executable, "-m", "orchestration.nightly"], cwd=ROOT, env=night_env(home, config, as_of, more), text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
    )  # fmt: skip


def run_night(
    home: Home, config: Path, as_of: str | None = None, more: Mapping[str, str] | None = None
) -> tuple[int, str]:
    """A whole night to its end: exit status and what it printed."""
    process = start_night(home, config, as_of, more)
    said, _ = process.communicate(timeout=900)
    return process.returncode, said


def kill_night(process: subprocess.Popen[str]) -> None:
    """SIGKILL the whole process group, as a lost machine would."""
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate(timeout=60)


def land_only(
    home: Home,
    sources: Mapping[str, Any],
    more: Mapping[str, Any] | None = None,
    env: Mapping[str, str] | None = None,
) -> None:
    """Land every source once, as the first step of a night does."""
    config = write_config(home.root.parent / "config", {"sources": dict(sources)} | dict(more or {}))
    night = installation(night_env(home, config, None, env), say=lambda _line: None).night()
    land(night)
    assert night.tally.degraded == []


def build_only(home: Home, as_of: str, *chosen: str) -> Path:
    """Build every model, or those chosen as dbt's arguments say, from what is landed; the build file. Nothing is checked or published."""
    config = home.root.parent / "config" / "perennial.yml"
    dbt = installation(night_env(home, config, as_of), say=lambda _line: None).night().dbt
    home.build_file.unlink(missing_ok=True)
    manifest(dbt)
    run_dbt(dbt, *BUILD, *chosen)
    return home.build_file


def run_dbt(dbt: DbtProcess, *command: str, env: Mapping[str, str] | None = None) -> dict[str, str]:
    """One dbt command as a night runs dbt: the status of each node by its id."""
    statuses = dbt.target / "statuses.json"
    done = subprocess.run(
        [*QUIET_DBT, str(statuses), *command], cwd=ROOT, text=True, capture_output=True,
        env=dict(dbt.env) if env is None else dict(env),
    )  # fmt: skip
    assert done.returncode == 0, (done.stdout + done.stderr)[-6000:]
    return json.loads(statuses.read_text(encoding="utf-8"))


def fingerprints(
    database: Path, schemas: Iterable[str] = DATA_SCHEMAS, without: Iterable[str] = ()
) -> dict[str, tuple[int, int]]:
    """Rows and an order-free hash of every table; `without` names columns left out beside the volatile ones."""
    left_out = VOLATILE | set(without)
    found: dict[str, tuple[int, int]] = {}
    with duckdb.connect(str(database), read_only=True) as con:
        tables = con.execute(
            "select table_schema, table_name from information_schema.tables where table_schema in (select unnest(?))"
            " order by all",
            [list(schemas)],
        ).fetchall()
        for schema, table in tables:
            if (schema, table) in NOT_DATA or BESIDE in table:
                continue
            columns = [row[0] for row in con.execute(f"describe {schema}.{table}").fetchall() if row[0] not in left_out]
            text = ", ".join(f"coalesce(cast({column} as varchar), '∅')" for column in columns)
            row = con.execute(
                f"select count(*), coalesce(sum(hash(concat_ws('|', {text}))::hugeint), 0)::varchar from {schema}.{table}"
            ).fetchone()
            assert row is not None
            found[f"{schema}.{table}"] = (row[0], int(row[1]))
    return found


def unequal(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> list[str]:
    """Names of the tables that differ or stand on one side only."""
    return sorted(name for name in {*ours, *theirs} if ours.get(name) != theirs.get(name))
