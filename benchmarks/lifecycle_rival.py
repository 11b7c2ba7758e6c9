"""The rival of a history worked out: a photograph of everybody's stage each night, kept by `dbt snapshot` (strategy check).

What lives here: the small dbt project that takes them, and the stages of each of its days, which it is given for nothing. What does not: what
they are compared with (lifecycle.py).
"""

from __future__ import annotations

import json
import os
from datetime import date, timedelta
from pathlib import Path

import duckdb
import yaml

from benchmarks.measure import Cost, python

SNAPSHOT = """
{% snapshot photographs %}
{{ config(unique_key='customer_id', strategy='check', check_cols='all', target_schema='main') }}
select * from main.today
{% endsnapshot %}
"""


def photographs(folder: Path, build: Path, last_on: date, days: int, memory: str) -> list[Cost]:
    """What the photograph of each of the last `days` days before a date takes: one row per person, a column per stage model."""
    (folder / "snapshots").mkdir(parents=True)
    (folder / "snapshots" / "photographs.sql").write_text(SNAPSHOT)
    settings = {"memory_limit": memory, "threads": 2, "preserve_insertion_order": False, "TimeZone": "UTC"}
    output = {"type": "duckdb", "path": str(folder / "rival.duckdb"), "threads": 1, "settings": settings}
    content = {
        "name": "rival",
        "version": "1.0.0",
        "config-version": 2,
        "profile": "rival",
        "snapshot-paths": ["snapshots"],
    }
    (folder / "dbt_project.yml").write_text(yaml.safe_dump(content))
    (folder / "profiles.yml").write_text(yaml.safe_dump({"rival": {"target": "duckdb", "outputs": {"duckdb": output}}}))
    command = ["snapshot", "--quiet", "--project-dir", str(folder), "--profiles-dir", str(folder)]
    env = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ} | {
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false"
    }
    costs = []
    for ago in range(days - 1, -1, -1):
        _today(folder / "rival.duckdb", build, last_on - timedelta(days=ago), memory)
        said = json.loads(python(["benchmarks.lifecycle_steps", *command], env)[1].strip().splitlines()[-1])
        (took,) = said["nodes"].values()
        costs.append(Cost(took["cpu"], took["wall"], said["peak"]))
    return costs


def _today(rival: Path, build: Path, on: date, memory: str) -> None:
    """Where everybody stood when a day began."""
    with duckdb.connect(
        str(rival), config={"memory_limit": memory, "threads": 2, "preserve_insertion_order": False}
    ) as con:
        con.execute(f"attach '{build}' as build (read_only)")
        con.execute(
            f"create or replace table today as pivot (select customer_id, stage_model, stage from build.lifecycle.stage_history"
            f" where valid_from <= timestamp '{on}' and (valid_to is null or valid_to > timestamp '{on}'))"
            " on stage_model using any_value(stage) group by customer_id"
        )
