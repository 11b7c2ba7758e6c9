"""Small things a load does with its own files.

What lives here: joining, counting and fingerprinting files, and a refused row as JSON. What does not: what is in them.
"""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import duckdb
import pyarrow.parquet as pq

from perennial.landing.incoming import READER_COLUMNS, TEXT_COLUMN
from perennial.warehouse.duck import name, quote


def record(connection: duckdb.DuckDBPyConnection, rows: str) -> str:
    """An expression for a row as it came: its text where the reader kept that, else its columns by name."""
    columns = [str(row[0]) for row in connection.execute(f"describe {rows}").fetchall()]
    fields = ", ".join(
        f"{quote(each)}: cast({name(each)} as varchar)" for each in columns if each not in READER_COLUMNS
    )
    struct = f"to_json({{{fields}}})" if fields else "cast(null as json)"
    if TEXT_COLUMN in columns:
        return f"case when {name(TEXT_COLUMN)} is null then {struct} else to_json({name(TEXT_COLUMN)}) end"
    return struct


def null_count(path: Path, column: str) -> int:
    """How often a column of a Parquet file is null, from the file's own statistics."""
    metadata = pq.read_metadata(path)
    total = 0
    for group in range(metadata.num_row_groups):
        chunks = metadata.row_group(group)
        chunk = next(
            chunks.column(at) for at in range(chunks.num_columns) if chunks.column(at).path_in_schema == column
        )
        total += chunk.statistics.null_count
    return total


def append(path: Path, part: Path) -> None:
    """Add a file's bytes to another and remove it."""
    with path.open("ab") as target, part.open("rb") as source:
        shutil.copyfileobj(source, target)
    part.unlink()


def joined(parts: list[Path]) -> Path:
    """All parts in the first one."""
    for part in parts[1:]:
        append(parts[0], part)
    return parts[0]


def sha256(path: Path) -> str:
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def is_full_disk(error: BaseException) -> bool:
    """Whether a read or write failed because no space is left: never the delivery's fault."""
    return (isinstance(error, OSError) and error.errno == 28) or "No space left" in str(error)
