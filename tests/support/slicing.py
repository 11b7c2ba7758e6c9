"""The sample shop's year cut into overlapping deliveries, in parts of three formats.

What lives here: cutting. What does not: landing the slices, and the figures they must give.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb

AS_OF = "2011-12-10"
UTC: dict[str, Any] = {"business": {"time_zone": "UTC", "currency": "GBP"}}
PARTS = (("a.csv", "csv"), ("b.jsonl", "json"), ("c.parquet", "parquet"))
KEYS = {
    "shop_customers": "customer_id",
    "shop_orders": "order_id",
    "shop_order_lines": "order_id",
    "shop_refunds": "refund_id",
}


def monthly(retail: Path, into: Path) -> Iterator[Path]:
    """Twelve deliveries of a month each, overlapping the one before by ten days."""
    for month in range(12):
        first = f"timestamp '2010-12-01' + interval {month} month"
        yield _slice(
            retail,
            into / f"month_{month:02d}",
            f"{first} - interval 10 day",
            f"{first} + interval 1 month + interval 9 day",
        )


def daily(retail: Path, into: Path) -> Iterator[Path]:
    """A delivery a day, each holding the day before as well."""
    for day in range(374):
        first = f"timestamp '2010-12-01' + interval {day} day"
        yield _slice(retail, into / f"day_{day:03d}", f"{first} - interval 1 day", f"{first} + interval 1 day")


def _slice(retail: Path, folder: Path, low: str, high: str) -> Path:
    within = f"between {low} and {high}"
    orders = f"select order_id from '{retail}/input/shop_orders.parquet' where ordered_at {within}"
    kept = {
        "shop_customers": f"updated_at {within} or created_at {within}",
        "shop_orders": f"ordered_at {within}",
        "shop_order_lines": f"order_id in ({orders})",
        "shop_refunds": f"refunded_at {within}",
    }
    with duckdb.connect() as con:
        for table, where in kept.items():
            (folder / table).mkdir(parents=True)
            key = KEYS[table]
            for number, (name, form) in enumerate(PARTS):
                con.execute(
                    f"copy (select * from '{retail}/input/{table}.parquet' where ({where}) and hash({key}) % 3 = {number}"
                    f" order by md5({key}::varchar)) to '{folder / table / name}' (format {form})"
                )
    return folder
