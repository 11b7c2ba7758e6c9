"""The journal of customer ids: one file per snapshot that gave or changed any, append-only.

What lives here: its columns, its typed empty file, and writing what a build gave. What does not: deciding which
record belongs to whom (models/identity), and when the file is put in its place (snapshot.py).
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import duckdb

from perennial.config.files import beside, make_folder, put_in_place
from perennial.config.home import Home
from perennial.warehouse.duck import connect, quote

COLUMNS = {
    "source_name": "varchar", "record_type": "varchar", "record_id": "varchar", "customer_id": "varchar",
    "assigned_at": "timestamp", "snapshot_id": "varchar",
}  # fmt: skip
EMPTY_FILE = "_empty.parquet"
_MAP = "build.identity.identity_map"


def ensure(home: Home) -> None:
    """The typed empty file, so that the first build finds the journal's columns."""
    path = home.identity_journal / EMPTY_FILE
    if path.exists():
        return
    make_folder(path.parent)
    columns = ", ".join(f"cast(null as {sql_type}) as {column}" for column, sql_type in COLUMNS.items())
    temporary = beside(path)
    with connect(None, memory_limit="256MB", threads=1) as connection:
        connection.execute(f"copy (select {columns} where false) to {quote(str(temporary))} (format parquet)")
    put_in_place(temporary, path)


def write(connection: duckdb.DuckDBPyConnection, home: Home, snapshot_id: str, as_of: datetime) -> Path | None:
    """The ids that the attached build gives for the first time, under a name nobody reads yet; or none."""
    if not _has_map(connection) or not _count_new(connection):
        return None
    make_folder(home.identity_journal)
    for leftover in home.identity_journal.glob(".*.part"):
        leftover.unlink()
    path = home.identity_journal / f".{snapshot_id}.part"
    assigned_at = as_of.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
    connection.execute(
        "copy (select source_name, record_type, record_id, customer_id,"
        f" timestamp {quote(assigned_at)} as assigned_at, {quote(snapshot_id)} as snapshot_id"
        f" from {_MAP} where is_new order by source_name, record_type, record_id)"
        f" to {quote(str(path))} (format parquet, compression zstd)"
    )
    return path


def _has_map(connection: duckdb.DuckDBPyConnection) -> bool:
    found = connection.execute(
        "select 1 from information_schema.tables"
        " where table_catalog = 'build' and table_schema = 'identity' and table_name = 'identity_map'"
    )
    return found.fetchone() is not None


def _count_new(connection: duckdb.DuckDBPyConnection) -> int:
    row = connection.execute(f"select count(*) from {_MAP} where is_new").fetchone()
    return int(row[0]) if row else 0
