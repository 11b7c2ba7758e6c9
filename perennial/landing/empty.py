"""The typed empty files: one per table of every kind, so that every reader finds its columns before anything is landed.

What lives here: ensure_empty_files(). What does not: landed rows. A file is written anew only where its columns
changed.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from perennial.config.files import PRIVATE_FILE, beside, make_folder
from perennial.config.home import Home
from perennial.landing.contract import OWN_TABLES, kinds, landed_schema, tables_of

EMPTY_FILE = "_empty.parquet"


def ensure_empty_files(home: Home) -> None:
    """Write what is missing or out of date; an own table that was never written gets an empty one too."""
    wanted: dict[Path, Mapping[str, str]] = {}
    for kind in kinds():
        for table in tables_of(kind).values():
            wanted[home.landed_table(kind, table.name) / EMPTY_FILE] = landed_schema(table)
    for own_table, columns in OWN_TABLES.items():
        current = home.own_table(own_table)
        wanted[current.with_name(EMPTY_FILE)] = columns
        if not current.exists():
            wanted[current] = columns
    stale = {path: schema for path, schema in wanted.items() if not _is_current(path, schema)}
    for path, schema in stale.items():
        write_empty(path, schema)


def write_empty(path: Path, schema: Mapping[str, str]) -> None:
    """A Parquet file with these columns and no row. It is not forced to disk: one that a power cut tore is not current,
    and is written again before anybody reads it."""
    make_folder(path.parent)
    temporary = beside(path)
    pq.write_table(arrow_schema(schema).empty_table(), temporary)
    os.chmod(temporary, PRIVATE_FILE)
    os.replace(temporary, path)


def arrow_schema(schema: Mapping[str, str]) -> pa.Schema:
    """The same columns for a writer that is not DuckDB."""
    plain = {
        "varchar": pa.string(), "timestamp": pa.timestamp("us"), "date": pa.date32(), "boolean": pa.bool_(),
        "bigint": pa.int64(), "decimal(18,4)": pa.decimal128(18, 4), "decimal(18,8)": pa.decimal128(18, 8),
        "double": pa.float64(),
    }  # fmt: skip
    return pa.schema([(column, plain[sql_type]) for column, sql_type in schema.items()])


def _is_current(path: Path, schema: Mapping[str, str]) -> bool:
    if not path.exists():
        return False
    try:
        return bool(pq.read_schema(path).remove_metadata().equals(arrow_schema(schema)))
    except (pa.ArrowException, OSError):
        return False
