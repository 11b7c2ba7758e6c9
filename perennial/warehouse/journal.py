"""The journals: what each snapshot decided for good, in append-only files, one per snapshot that decided anything.

What lives here: their columns, their typed empty files, and writing what a build gave: customer ids (identity), what
was held from joining people (holds), and which published figures moved (restatements). What does not: deciding which
record belongs to whom (models/identity), what moved (restatements.py), and when the files are put in their place
(snapshot.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pyarrow.parquet as pq

from perennial.config.files import beside, make_folder, put_in_place
from perennial.config.home import Home
from perennial.warehouse import restatements, retention
from perennial.warehouse.duck import connect, quote

EMPTY_FILE = "_empty.parquet"


@dataclass(frozen=True)
class Journal:
    """One journal: the folder under journal/, its columns, and the rows that a build adds (`moment`, `snapshot`)."""

    name: str
    columns: Mapping[str, str]
    rows: str
    needs: str  # catalog.schema.table without which there is nothing to add


IDENTITY = Journal(
    "identity",
    {
        "source_name": "varchar", "record_type": "varchar", "record_id": "varchar", "customer_id": "varchar",
        "action": "varchar", "cause": "varchar", "assigned_at": "timestamp", "snapshot_id": "varchar",
    },
    "select ids.source_name, ids.record_type, ids.record_id, ids.customer_id, moves.action, moves.cause,"
    " {moment} as assigned_at, {snapshot} as snapshot_id"
    " from build.identity.identity_map as ids left join build.identity.identity_moves as moves"
    " on ids.previous_customer_id = moves.previous_customer_id and ids.customer_id = moves.customer_id"
    " where ids.is_new order by ids.source_name, ids.record_type, ids.record_id",
    "build.identity.identity_map",
)  # fmt: skip
HOLDS = Journal(
    "holds",
    {
        "review_id": "varchar", "action": "varchar", "reason": "varchar", "rule": "varchar", "customer_id": "varchar",
        "other_customer_id": "varchar", "changed_at": "timestamp", "snapshot_id": "varchar",
    },
    "select review_id, action, reason, rule, customer_id, other_customer_id, {moment} as changed_at,"
    " {snapshot} as snapshot_id from build.identity.hold_changes order by review_id, action",
    "build.identity.hold_changes",
)  # fmt: skip
RESTATEMENTS = Journal(
    restatements.FOLDER,
    restatements.COLUMNS,
    "select * from temp.restated where snapshot_id = {snapshot} order by table_name, row_key, figure",
    "temp.main.restated",
)
JOURNALS = (IDENTITY, HOLDS, RESTATEMENTS)


def ensure(home: Home) -> None:
    """The typed empty files, so that a build finds the columns of every journal."""
    forget_unpublished(home)
    for journal in JOURNALS:
        path = home.journal / journal.name / EMPTY_FILE
        if path.exists() and pq.read_schema(path).names == list(journal.columns):
            continue
        make_folder(path.parent)
        columns = ", ".join(f"cast(null as {sql_type}) as {column}" for column, sql_type in journal.columns.items())
        temporary = beside(path)
        with connect(None, memory_limit="256MB", threads=1) as connection:
            connection.execute(f"copy (select {columns} where false) to {quote(str(temporary))} (format parquet)")
        put_in_place(temporary, path)


def forget_unpublished(home: Home) -> None:
    """Restatements of a snapshot that a killed run never showed to anybody; the next one finds them again."""
    current = retention.current(home)
    for path in (home.journal / restatements.FOLDER).glob("[0-9]*Z.parquet"):
        if current is not None and path.stem > current:
            path.unlink()


def write(connection: duckdb.DuckDBPyConnection, home: Home, snapshot_id: str, as_of: datetime) -> dict[Path, Path]:
    """What the attached build adds to each journal: a file under a name nobody reads yet → where it belongs."""
    moment = f"timestamp {quote(as_of.astimezone(UTC).strftime('%Y-%m-%d %H:%M:%S.%f'))}"
    written = {}
    for journal in JOURNALS:
        folder = home.journal / journal.name
        make_folder(folder)
        for leftover in folder.glob(".*.part"):
            leftover.unlink()
        rows = journal.rows.format(moment=moment, snapshot=quote(snapshot_id))
        if not _has_table(connection, journal.needs) or not _count(connection, rows):
            continue
        path = folder / f".{snapshot_id}.part"
        connection.execute(f"copy ({rows}) to {quote(str(path))} (format parquet, compression zstd)")
        written[path] = folder / f"{snapshot_id}.parquet"
    return written


def _has_table(connection: duckdb.DuckDBPyConnection, table: str) -> bool:
    found = connection.execute(
        "select 1 from information_schema.tables where table_catalog = ? and table_schema = ? and table_name = ?",
        table.split("."),
    )
    return found.fetchone() is not None


def _count(connection: duckdb.DuckDBPyConnection, rows: str) -> int:
    row = connection.execute(f"select count(*) from ({rows})").fetchone()
    return int(row[0]) if row else 0
