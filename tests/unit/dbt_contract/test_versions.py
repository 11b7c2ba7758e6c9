"""Staging over landed files: what the views made by a real dbt run hand on, where landing holds versions and where not.

dbt's unit tests show that the full filter is right; that it is left out only where nothing needs it is shown here.
"""

from __future__ import annotations

from pathlib import Path

import duckdb

from perennial.config.contract import TABLES, landed_schema
from perennial.config.home import Home
from perennial.landing.empty import ensure_empty_files
from tests.support.installation import installed_in
from tests.support.nights import run_dbt

STEMS = {"shop_order_lines": ("order_id", "line_id"), "shop_checkout_lines": ("checkout_id", "line_id")}
FLAGS = ("is_superseded", "is_change", "is_replacement")
PLAIN, SUPERSEDED, CHANGE, REPLACEMENT = (), ("is_superseded",), ("is_change",), ("is_replacement",)
Row = tuple[str, str, int, tuple[str, ...]]


def land(home: Home, table: str, load_id: str, rows: list[Row]) -> None:
    """A landed file of lines: parent, line, quantity and the flags that are set."""
    parent, line = STEMS[table]
    with duckdb.connect() as connection:
        schema = ", ".join(f"{name} {kind}" for name, kind in landed_schema(TABLES[table]).items())
        connection.execute(f"create table landed ({schema})")
        columns = ", ".join([parent, line, "quantity", "source_name", "load_id", *FLAGS])
        for parent_id, line_id, quantity, flags in rows:
            values = [parent_id, line_id, quantity, "shop", load_id, *(flag in flags for flag in FLAGS)]
            connection.execute(f"insert into landed ({columns}) values ({', '.join('?' * len(values))})", values)
        folder = home.landing / "files" / table
        connection.execute(f"copy landed to '{folder / f'{load_id}.shop.parquet'}' (format parquet)")


def staged(home: Home, *tables: str) -> dict[str, list[tuple[str, str, int]]]:
    """What staging hands on, after one dbt run over what is landed now."""
    dbt = installed_in(home).night().dbt
    run_dbt(dbt, "run", "--select", *(f"stg_contract__{table}" for table in tables))
    found = {}
    with duckdb.connect(str(Path(dbt.env["PERENNIAL_BUILD_FILE"])), read_only=True) as connection:
        for table in tables:
            key = ", ".join(STEMS[table])
            found[table] = connection.execute(
                f"select {key}, cast(quantity as integer) from staging.stg_contract__{table} order by all"
            ).fetchall()
    return found


def test_versions_are_settled_in_the_tables_that_hold_any_and_the_others_are_read_as_they_are(night_home: Home) -> None:
    ensure_empty_files(night_home)
    for table in STEMS:
        land(night_home, table, "1", [("a", "1", 1, PLAIN), ("a", "2", 1, PLAIN), ("b", "1", 1, PLAIN)])
    land(night_home, "shop_order_lines", "2", [("a", "1", 2, REPLACEMENT), ("b", "1", 9, SUPERSEDED)])
    land(night_home, "shop_checkout_lines", "2", [("c", "1", 1, PLAIN)])
    assert staged(night_home, *STEMS) == {
        "shop_order_lines": [("a", "1", 2), ("b", "1", 1)],
        "shop_checkout_lines": [("a", "1", 1), ("a", "2", 1), ("b", "1", 1), ("c", "1", 1)],
    }
    land(night_home, "shop_order_lines", "3", [("b", "1", 3, CHANGE)])
    land(night_home, "shop_checkout_lines", "3", [("a", "2", 3, CHANGE)])
    assert staged(night_home, *STEMS) == {
        "shop_order_lines": [("a", "1", 2), ("b", "1", 3)],
        "shop_checkout_lines": [("a", "1", 1), ("a", "2", 3), ("b", "1", 1), ("c", "1", 1)],
    }
