"""A reader as BI is one: opens the published file again and again until told to stop, and counts what it met.

`python -m tests.unit.warehouse.reader PUBLISHED STOP` prints one JSON line: polls, snapshots seen, errors, torn reads.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import duckdb

TABLES = (
    "customer.customers",
    "customer.customers_masked",
    "kpis.kpi_values",
    "audiences.win_back",
    "publish.snapshot",
)


def poll(file: Path) -> tuple[str, set[str]]:
    with duckdb.connect(str(file), read_only=True) as connection:
        for table in TABLES:
            connection.execute(f"select count(*) from {table}").fetchone()
        snapshot = connection.execute("select snapshot_id from publish.snapshot").fetchone()
        runs = connection.execute("select run from customer.customers union select run from kpis.kpi_values").fetchall()
    assert snapshot is not None
    return snapshot[0], {run for (run,) in runs}


def main() -> None:
    file, stop = Path(sys.argv[1]) / "perennial.duckdb", Path(sys.argv[2])
    polls, seen, errors, torn = 0, set(), [], 0
    while not stop.exists():
        try:
            snapshot_id, runs = poll(file)
        except Exception as error:
            errors.append(str(error))
            continue
        polls += 1
        seen.add(snapshot_id)
        torn += len(runs) != 1
    print(json.dumps({"polls": polls, "snapshots": len(seen), "errors": errors, "torn": torn}))


if __name__ == "__main__":
    main()
