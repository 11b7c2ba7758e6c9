"""A night that brings one in a hundred new rows, against a build of the same data from scratch, in the same run.

What lives here: the deliveries of such nights and the order of the measures, over identity and the customer 360. What does not: how a child
is measured (measure.py), first loads and rooms (warehouse.py), the stage history (lifecycle.py). The first corrections have all built whole, so
they are landed before the first build; the two nights that are measured bring none, and some.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import duckdb

from benchmarks.measure import Cost, child, line, python
from benchmarks.warehouse import installation, places
from perennial.config.home import Home
from perennial.demo.bulk import write_bulk

ROOMS = ("identity", "customer")
KEPT = ("message_contacts", "timeline_messages", "campaign_clicks", "orders", "customer_orders", "category_purchases")
CHECKS = tuple(f"{table}_are_as_if_built_anew" for table in KEPT)
OWNERS = (
    "consents",
    "people",
    "customer_identifiers",
    "rates",
)  # what kept tables of the 360 are made of, and no kept table
# as selections of dbt, one after the other: the kept tables are the first and the third
PARTS = (
    ("--select", "message_contacts"),
    ("--select", "identity", *OWNERS, "--exclude", "message_contacts"),
    ("--select", *KEPT[1:]),
    ("--select", "customer", "--exclude", *KEPT, *OWNERS),
)
FIRST_DAY = 2  # of November 2026; the bulk data ends with October
# each table's rows of a sample come again under new ids, moved to a day; the rest of a row stays
NEW = {
    "messages": ("message_id", "sent_at", "message_id"),
    "message_events": ("event_id", "occurred_at", "message_id"),
    "shop_orders": ("order_id", "ordered_at", "order_id"),
    "shop_order_lines": ("order_id", None, "order_id"),
    "shop_refunds": ("refund_id", "refunded_at", "order_id"),
}


def deliver(history: Path, export: Path, day: int, share: int, is_corrected: bool) -> dict[str, int]:
    """One row in `share` of each table once more, on the day before this one of November; openings of older messages; corrected rows."""
    rows = {}
    with duckdb.connect() as con:
        con.execute(
            f"set TimeZone = 'UTC'; set threads = 2; create macro moved(moment) as timestamp '2026-11-{day - 1:02d}' + (moment - date_trunc('day', moment)) * 0.9"
        )
        for table, (key, at, drawn_by) in NEW.items():
            source = history / f"{table}.parquet"
            new_keys = ", ".join(f"{name} + {day * 10**14} as {name}" for name in dict.fromkeys((key, drawn_by)))
            dates = f", moved({at}) as {at}" if at else ""
            new = f"select * replace ({new_keys}{dates}) from '{source}' where hash({drawn_by}) % {share} = 0"
            corrected = f"from '{source}' where {str(is_corrected).lower()} and hash({key}, {day}) % 20000 = 0"
            more = {
                "messages": f" union all select * replace ('sms' as channel) {corrected}",
                "message_events": f" union all select * replace (not is_machine as is_machine) {corrected}"
                f" union all select * replace (event_id + {day * 10**15} as event_id, moved(occurred_at) as occurred_at)"
                f" from '{source}' where event_type = 'opened' and hash(event_id, {day}) % (3 * {share}) = 0",
            }  # fmt: skip
            con.execute(f"copy ({new}{more.get(table, '')}) to '{export / f'{table}.parquet'}' (format parquet)")
            found = con.execute(f"select count(*) from '{export / f'{table}.parquet'}'").fetchone()
            assert found is not None
            rows[table] = found[0]
    return rows


def dbt(home: Home, day: int, *arguments: str) -> Cost:
    _, said = python(["benchmarks.steps", "dbt_env", *places(home), f"2026-11-{day:02d}"])
    env = dict(each.split("=", 1) for each in said.strip().splitlines())
    command = [str(Path(sys.executable).parent / "dbt"), "build", "--quiet", "--exclude-resource-type", "unit_test"]
    return child([*command, *arguments], env)[0]


def told(home: Home) -> str:
    """What a child tells of the build file's tables: a child, for those begun later count this process's memory as theirs."""
    return python(["benchmarks.nightly", str(home.build_file)])[1]


def tables_told(build_file: str) -> dict[str, tuple[int, str]]:
    """Of each table of the rooms, its rows and an order-free hash of them; what belongs to a kept table (its mark) is left out."""
    with duckdb.connect(build_file, read_only=True) as con:
        tables = con.execute(
            "select schema_name || '.' || table_name from duckdb_tables()"
            f" where schema_name in {ROOMS} and not contains(table_name, '__')"
        ).fetchall()
        return {
            name: con.execute(f"select count(*), sum(hash(row) % 1000000007)::varchar from {name} as row").fetchall()[0]
            for (name,) in tables
        }


def built_whole(home: Home) -> list[str]:
    """The kept tables that were not made from last night's."""
    found = []
    with duckdb.connect(str(home.build_file), read_only=True) as con:
        for schema, table in zip(("identity", *["customer"] * (len(KEPT) - 1)), KEPT, strict=True):
            goes_on = con.execute(f"select count(was_as_of) > 0 from {schema}.{table}__mark").fetchall()[0][0]
            found += [] if goes_on else [table]
    return found


def added(costs: Iterable[Cost]) -> Cost:
    costs = list(costs)
    return Cost(sum(each.cpu for each in costs), sum(each.wall for each in costs), max(each.peak for each in costs))


def rooms(home: Home, empty: Home, day: int, *more: str) -> tuple[Cost, Cost]:
    """What the kept tables cost, and all of identity and the 360 with them, without what dbt costs on an empty home."""
    costs = []
    for models in PARTS:
        asked = ("--exclude-resource-type", "test", *more, *models)
        costs.append(dbt(home, day, *asked).less(dbt(empty, day, *asked)))
    return added((costs[0], costs[2])), added(costs)


def run(folder: Path, customers: int, orders_per_customer: int, events_per_customer: int) -> None:
    history, exports = folder / "history", folder / "exports"
    rows = write_bulk(history, customers, orders_per_customer, events_per_customer=events_per_customer)
    exports.mkdir()
    for path in history.iterdir():
        (exports / path.name).hardlink_to(path)
    home, empty = installation(folder / "kept", exports), installation(folder / "none", None)
    python(["benchmarks.steps", "land", *places(home)])
    measure(home, empty, history, exports, {
        "customers": customers, "orders": rows["shop_orders"], "messages_and_events": rows["messages"] + rows["message_events"]
    })  # fmt: skip


def measure(home: Home, empty: Home, history: Path, exports: Path, size: dict[str, Any]) -> None:
    """A landed history, the nights after it, and the last of them built whole."""
    python(["benchmarks.steps", "land", *places(empty)])
    views = ("--exclude-resource-type", "test", "--select", "staging", "input", "resource_type:seed")
    dbt(empty, FIRST_DAY, *views)
    nights = []
    for day, share, is_corrected in ((FIRST_DAY, 1000, True), (FIRST_DAY + 1, 100, False), (FIRST_DAY + 2, 100, True)):
        if nights:
            python(["benchmarks.steps", "keep_ids", *places(home)])
        for path in exports.iterdir():
            path.unlink()
        size |= {"new_rows": deliver(history, exports, day, share, is_corrected)}
        python(["benchmarks.steps", "land", *places(home)])
        dbt(home, day, *views)
        nights.append((*rooms(home, empty, day), built_whole(home)))
        check = dbt(home, day, "--select", *CHECKS).less(dbt(empty, day, "--select", *CHECKS))
    brought_up = told(home)
    _, whole = rooms(home, empty, day, "--full-refresh")
    is_equal = brought_up == told(home) and len(built_whole(home)) == len(KEPT)
    for (state, everything, whole_ones), name in zip(nights[1:], ("_without_corrections", ""), strict=True):
        more = {"rival": "identity and the 360 built whole", "built_whole": whole_ones, **size}
        line(f"night_state{name}", state, against=whole, goal=0.03, **more)
        line(f"night_everything{name}", everything, against=whole, goal=0.15, rows_equal=is_equal, **more)
    line("night_check", check, against=whole, rival="identity and the 360 built whole", **size)


if __name__ == "__main__":
    print(json.dumps(tables_told(sys.argv[1]), sort_keys=True))
