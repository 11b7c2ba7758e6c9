"""A first load of a vendor's API at a million items, against bare read_json (the floor) and dlt (the rival).

What lives here: the order of the measures, and dlt's own environment. What does not: what is on the wire (wire.py,
wire_server.py), the floors and the rival themselves. The rival reads the same data from the same server as we do; the
floor reads it from disk. Starting up is measured on an empty vendor and taken off all three. Rows are orders and their
lines, or events; the rival gets a fifth as many, its rate is what is compared.
"""

from __future__ import annotations

import json
import subprocess
import sys
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.measure import ROOT, Cost, child, line, python
from benchmarks.wire import write_bulk_file, write_event_pages
from benchmarks.wire_server import BULK, PAGES, SPARSE

VENDORS = {"orders": "shopify", "events": "klaviyo"}
DLT = ("dlt[filesystem,parquet]==1.31.0", "orjson==3.13.0")
FLOOR_GOAL = {"orders": 1.5, "events": None}
RIVAL_GOAL, PEAK_GOAL = 8.0, 1.0
RIVAL_SHARE = 5


def run(folder: Path, items: int) -> None:
    rival = _rival(folder / "dlt_venv")
    for name, vendor in VENDORS.items():
        full, part, none = folder / name, folder / f"{name}_part", folder / f"{name}_none"
        rows, part_rows = _write(name, full, items), _write(name, part, items // RIVAL_SHARE)
        _write(name, none, 0)
        began, _ = _land(vendor, none, folder / f"{vendor}_empty_home")
        landed, said = _land(vendor, full, folder / f"{vendor}_home")
        report = json.loads(said.strip().splitlines()[-1])
        if sum(report["landed"].values()) != rows or report["refused"]:
            raise SystemExit(f"{vendor}: {rows} rows were to land: {report}")
        work = landed.less(began)
        floor = python(["benchmarks.source_floors", name, str(full)])[0].less(
            python(["benchmarks.source_floors", name, str(none)])[0]
        )
        dlt, written = _pipe(rival, name, part)
        dlt_began, _ = _pipe(rival, name, none)
        dlt_rows = int(written.strip().splitlines()[-1])
        if dlt_rows != part_rows:
            raise SystemExit(f"dlt wrote {dlt_rows} of {part_rows} rows")
        dlt_rate = dlt_rows / dlt.less(dlt_began).cpu
        faster = rows / work.cpu / dlt_rate
        line(
            f"source_first_load_{vendor}", work, against=floor, rival="bare read_json to Parquet", goal=FLOOR_GOAL[name],
            rows=rows, rows_per_cpu_second=round(rows / work.cpu), rows_per_second=round(rows / work.wall),
            peak_meets_goal=work.peak < PEAK_GOAL, bytes=report["bytes"], calls=report["calls"],
            start_cpu_seconds=round(began.cpu, 2), dlt_rows=dlt_rows, dlt_rows_per_cpu_second=round(dlt_rate),
            dlt_peak_gb=round(dlt.peak, 2), times_dlt=round(faster, 1), times_dlt_meets_goal=faster >= RIVAL_GOAL,
        )  # fmt: skip


def _write(name: str, folder: Path, items: int) -> int:
    """What one vendor holds; returns how many rows that is."""
    folder.mkdir(parents=True)
    if name == "orders":
        lines = write_bulk_file(folder / BULK, items)
        (folder / "counts.json").write_text(json.dumps({"orders": items, "lines": lines}))
        return items + lines
    write_event_pages(folder / PAGES, folder / SPARSE, items)
    return items


def _land(vendor: str, folder: Path, home: Path) -> tuple[Cost, str]:
    with _serving(vendor, folder) as address:
        return python(["benchmarks.source_steps", vendor, str(home), address])


def _pipe(rival: str, name: str, folder: Path) -> tuple[Cost, str]:
    with _serving(VENDORS[name], folder) as address:
        return child([rival, "-m", "benchmarks.source_rival", name, str(folder), address])


@contextmanager
def _serving(vendor: str, folder: Path) -> Iterator[str]:
    command = [sys.executable, "-m", "benchmarks.wire_server", vendor, str(folder)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            yield server.stdout.readline().strip()
        finally:
            server.terminate()


def _rival(place: Path) -> str:
    """The python of an environment that holds dlt: it does not live with the versions that a night runs on."""
    venv.create(place, with_pip=True)
    python_of_it = str(place / "bin" / "python")
    child([python_of_it, "-m", "pip", "install", "--quiet", "--only-binary", ":all:", *DLT])
    return python_of_it
