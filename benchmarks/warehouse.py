"""Landing and the warehouse, each room against its floor in the same run.

The size is a million customers, ten million orders, and a hundred million messages and events.

What lives here: the order of the measures. What does not: the floors (floors.py) and how a child is measured. dbt's own
cost is measured on an empty landing, with the same models, and taken off; it is reported apart (fixed.py).
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Any

import yaml

from benchmarks.floors import MEMORY
from benchmarks.measure import Cost, child, line, python
from perennial.config.home import Home
from perennial.demo.bulk import write_bulk

AS_OF = "2027-01-01"
ROOMS = {
    "identity": "identity",
    "customers": "+customers,customer",  # its ancestors that are not identity's: given the identity map
    "customer_orders": "customer_orders",
    "lifecycle": "lifecycle",
    "kpis": "kpis",
}


def run(folder: Path, customers: int, orders_per_customer: int, events_per_customer: int) -> None:
    exports = folder / "exports"
    rows = write_bulk(exports, customers, orders_per_customer, events_per_customer=events_per_customer)
    home, empty = installation(folder / "full", exports), installation(folder / "none", None)
    size = {
        "customers": customers, "orders": rows["shop_orders"], "lines": rows["shop_order_lines"],
        "messages_and_events": rows["messages"] + rows["message_events"],
    }  # fmt: skip
    land(home, rows, size)
    python(["benchmarks.steps", "land", *places(empty)])
    for each in (home, empty):
        dbt(each, "staging input resource_type:seed")
    floors = {"identity", "customers", "lifecycle", "kpis"}
    for room, selection in ROOMS.items():
        fixed, cost = dbt(empty, selection), dbt(home, selection)
        work = cost.less(fixed)
        if room in floors:
            goal = 1.5 if room == "customers" else None
            against, _ = python(["benchmarks.floors", room, str(home.root)])
            line(
                room,
                work,
                against=against,
                rival="one hand-written statement",
                goal=goal,
                fixed_cpu_seconds=round(fixed.cpu, 2),
                **size,
            )
        else:
            line(room, work, fixed_cpu_seconds=round(fixed.cpu, 2), **size)
    dbt(
        home,
        "audiences activation publish customer_timeline customers_masked customer_identifiers customer_consents identifier_ledger",
    )
    publish(home, size)


def installation(folder: Path, exports: Path | None) -> Home:
    folder.mkdir(parents=True)
    content: dict[str, Any] = {
        "business": {"time_zone": "UTC", "currency": "GBP"}, "engine": {"memory_limit": MEMORY, "threads": 2}
    }  # fmt: skip
    source = exports if exports is not None else folder / "exports"
    if exports is None:
        source.mkdir()
        (source / "shop_customers.csv").write_text("customer_id,email\n1,somebody@example.com\n")
    content["sources"] = {"shop": {"kind": "files", "path": str(source)}}
    (folder / "perennial.yml").write_text(yaml.safe_dump(content))
    return Home(folder / "home").prepare()


def places(home: Home) -> list[str]:
    return [str(home.root.parent / "perennial.yml"), str(home.root)]


def land(home: Home, rows: dict[str, int], size: dict[str, Any]) -> None:
    start, _ = python(["benchmarks.steps", "start", *places(home)])
    first, _ = python(["benchmarks.steps", "land", *places(home)])
    again, _ = python(["benchmarks.steps", "land", *places(home)])
    total = sum(rows.values())
    for name, cost in (("land_first", first.less(start)), ("land_unchanged", again.less(start))):
        line(
            name,
            cost,
            rows=total,
            rows_per_cpu_second=round(total / cost.cpu),
            rows_per_second=round(total / cost.wall),
            **size,
        )


def dbt(home: Home, selection: str) -> Cost:
    """One dbt run of the selected models."""
    _, said = python(["benchmarks.steps", "dbt_env", *places(home), AS_OF])
    env = dict(each.split("=", 1) for each in said.strip().splitlines())
    command = [
        str(Path(sys.executable).parent / "dbt"),
        "build",
        "--exclude-resource-type",
        "test",
        "--exclude-resource-type",
        "unit_test",
        "--quiet",
        "--select",
        *selection.split(),
    ]
    if selection.startswith("+"):
        command = [*command[:-1], "+customers,path:models/customer"]
    return child(command, env)[0]


def publish(home: Home, size: dict[str, Any]) -> None:
    start, _ = python(["benchmarks.steps", "start", *places(home)])
    cost, said = python(["benchmarks.steps", "publish", *places(home), AS_OF])
    floor, _ = python(["benchmarks.steps", "copy_parquet", *places(home)])
    line(
        "publish",
        cost.less(start),
        against=floor.less(start),
        rival="the same tables to Parquet only",
        snapshot_bytes=int(said.split()[-1]),
        **size,
    )
    shutil.rmtree(home.published)
