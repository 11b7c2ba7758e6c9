"""One step of an installation in a process of its own: `python -m benchmarks.steps STEP CONFIG HOME [AS_OF]`.

What lives here: what a measured child does. What does not: measuring it (measure.py), and Dagster (fixed.py).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import duckdb

from assets.ingest.landing import land as land_sources
from assets.night import Night
from assets.transform.dbt import outputs
from orchestration.manifest import manifest
from orchestration.resources import installation
from perennial.warehouse import journal, snapshot
from perennial.warehouse.build import BuildRecord
from perennial.warehouse.certificate import Checks


def night(config: str, home: str, as_of: str = "2027-01-01") -> Night:
    env = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    env |= {"PERENNIAL_CONFIG": config, "PERENNIAL_HOME": home, "PERENNIAL_AS_OF": as_of}
    return installation(env, say=lambda _line: None).night()


def start(_night: Night) -> None:
    """Only what every step does before its work: imports and settings."""


def dbt_env(one: Night) -> None:
    manifest(one.dbt)
    for name, value in (dict(one.dbt.env) | {"DBT_LOG_FORMAT": "text"}).items():
        print(f"{name}={value}")


def publish(one: Night) -> None:
    record = BuildRecord(
        snapshot_id=one.snapshot_id, as_of=one.as_of, built_at=one.clock(), input_hash="", rule_versions={},
        checks=Checks(passed=0, warned=(), failed=()), outputs=outputs(manifest(one.dbt)),
    )  # fmt: skip
    engine = one.settings.engine
    snapshot.publish(one.home, record, {}, engine=snapshot.Engine(engine.memory_limit, engine.threads))
    print(
        sum(path.stat().st_size for path in one.home.published.rglob("*") if path.is_file() and not path.is_symlink())
    )


def keep_ids(one: Night) -> None:
    """What publishing keeps of the ids that the build gave, so that the next night finds them."""
    with duckdb.connect() as con:
        con.execute(f"attach '{one.home.build_file}' as build (read_only)")
        for written, path in journal.write(con, one.home, one.snapshot_id, one.as_of).items():
            written.rename(path)


def copy_parquet(one: Night) -> None:
    """The floor of publishing: each output table once, as Parquet."""
    folder = one.home.root / "floor_parquet"
    folder.mkdir()
    config = {"memory_limit": one.settings.engine.memory_limit, "threads": 2, "preserve_insertion_order": False}
    with duckdb.connect(config=config) as con:
        con.execute(f"attach '{one.home.build_file}' as build (read_only)")
        for table in outputs(manifest(one.dbt)):
            con.execute(f"copy build.{table} to '{folder / table}.parquet' (format parquet, compression zstd)")


STEPS: dict[str, Callable[[Night], object]] = {
    "start": start, "land": land_sources, "dbt_env": dbt_env, "publish": publish, "keep_ids": keep_ids,
    "copy_parquet": copy_parquet,
}  # fmt: skip

if __name__ == "__main__":
    Path(sys.argv[3]).mkdir(parents=True, exist_ok=True)
    STEPS[sys.argv[1]](night(*sys.argv[2:]))
