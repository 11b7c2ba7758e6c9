"""A night that brings one in a hundred new rows, against a build of the same data from scratch, in the same run.

What lives here: the deliveries of such nights and the order of the measures. What does not: how a child is measured (measure.py), first
loads and rooms (warehouse.py). The first night brings the first corrections, which have all built whole; the two that are measured bring none, and some.
"""

from __future__ import annotations

import sys
from pathlib import Path

import duckdb

from benchmarks.measure import Cost, child, line, python
from benchmarks.warehouse import installation, places
from perennial.config.home import Home
from perennial.demo.bulk import write_bulk

KEPT, CHECK = "message_contacts", "message_contacts_are_as_if_built_anew"
LAST_DAY = 1  # of November 2026: up to here the bulk data goes
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
            new_keys = ", ".join(
                f"{name} + {day} * 10**14::bigint as {name}" for name in dict.fromkeys((key, drawn_by))
            )
            dates = f", moved({at}) as {at}" if at else ""
            new = f"select * replace ({new_keys}{dates}) from '{source}' where hash({drawn_by}) % {share} = 0"
            corrected = f"from '{source}' where {str(is_corrected).lower()} and hash({key}, {day}) % 20000 = 0"
            more = {
                "messages": f" union all select * replace ('sms' as channel) {corrected}",
                "message_events": f" union all select * replace (not is_machine as is_machine) {corrected}"
                f" union all select * replace (event_id + {day} * 10**15::bigint as event_id, moved(occurred_at) as occurred_at)"
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


def kept(home: Home) -> tuple[int, str, str]:
    """Rows, an order-free hash of the kept table, and what it was made from."""
    with duckdb.connect(str(home.build_file), read_only=True) as con:
        found = con.execute(
            f"select count(*), sum(hash(kept::varchar)::hugeint)::varchar, (select max(was_as_of)::varchar from identity.{KEPT}__mark)"
            f" from identity.{KEPT} as kept"
        ).fetchone()
        assert found is not None
        return found


def run(folder: Path, customers: int, orders_per_customer: int, events_per_customer: int) -> None:
    history, exports = folder / "history", folder / "exports"
    rows = write_bulk(history, customers, orders_per_customer, events_per_customer=events_per_customer)
    exports.mkdir()
    for path in history.iterdir():
        (exports / path.name).hardlink_to(path)
    home, empty = installation(folder / "kept", exports), installation(folder / "none", None)
    python(["benchmarks.steps", "land", *places(home)])
    python(["benchmarks.steps", "land", *places(empty)])
    views = ("--exclude-resource-type", "test", "--select", "staging", "input", "resource_type:seed")
    for each in (home, empty):
        dbt(each, LAST_DAY, *views)
        dbt(each, LAST_DAY, "--exclude-resource-type", "test", "--exclude", "staging", "input", "resource_type:seed")
    dbt(home, LAST_DAY, "--select", CHECK)
    for path in exports.iterdir():
        path.unlink()

    nights = []
    for day, share, is_corrected in ((LAST_DAY + 1, 1000, True), (LAST_DAY + 2, 100, False), (LAST_DAY + 3, 100, True)):
        new = deliver(history, exports, day, share, is_corrected)
        python(["benchmarks.steps", "land", *places(home)])
        dbt(home, day, *views)
        nights.append(dbt(home, day, "--exclude-resource-type", "test", "--select", KEPT))
        brought_up = kept(home)
        check = dbt(home, day, "--select", CHECK)
    whole = ("--full-refresh", "--exclude-resource-type", "test", "--select", KEPT)
    fixed, full = dbt(empty, day, *whole), dbt(home, day, *whole)
    built_anew = kept(home)
    rest = ("--exclude-resource-type", "test", "--exclude", "staging", "input", "resource_type:seed", KEPT)
    others = dbt(home, day, *rest).less(dbt(empty, day, *rest))
    plain, work, anew = nights[1].less(fixed), nights[2].less(fixed), full.less(fixed)
    size = {"customers": customers, "orders": rows["shop_orders"], "messages_and_events": rows["messages"] + rows["message_events"],
            "new_rows": new, "fixed_cpu_seconds": round(fixed.cpu, 2)}  # fmt: skip
    everything = Cost(anew.cpu + others.cpu, anew.wall + others.wall, max(anew.peak, others.peak))
    is_equal = brought_up[:2] == built_anew[:2] and brought_up[2] is not None and built_anew[2] is None
    line("night_kept_tables_without_corrections", plain, against=anew, rival="the same table built whole", **size)
    line("night_kept_tables", work, against=anew, rival="the same table built whole", rows_equal=is_equal, **size)
    line("night_kept_tables_in_all", work, against=everything, rival="all models built whole", goal=0.03, **size)
    line("night_everything", Cost(work.cpu + others.cpu, work.wall + others.wall, max(work.peak, others.peak)),
         against=everything, rival="all models built whole", goal=0.15, **size)  # fmt: skip
    line("night_check", check.less(fixed), against=anew, rival="the kept table built whole", **size)
