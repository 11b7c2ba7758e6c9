"""Tables that Python works out of landed columns and SQL joins: what was looked at, and adding what is new.

What lives here: Lookup and refresh(). What does not: which columns are read and what is made of them (phones.py,
emails.py).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from perennial.config.files import beside, make_folder, put_in_place, write_atomically
from perennial.config.home import Home
from perennial.config.settings import Settings
from perennial.landing.contract import OWN_TABLES, Table, kinds, tables_of
from perennial.landing.empty import arrow_schema
from perennial.landing.load_ids import split_name
from perennial.warehouse.duck import connect, path_list, quote

_BATCH = 20_000
_SEEN_FILE = "_seen.json"


@dataclass(frozen=True)
class Lookup:
    """One own table: `key` as delivered, the rest worked out of it."""

    table: str
    key: tuple[str, ...]
    made_with: str  # the rules and their data; where they change, every row is worked out anew
    reads: Callable[[Table], bool]
    read_as: Callable[[Settings, Path], str]  # what else a file's keys depend on
    keys: Callable[[Path, str], str]  # the distinct keys of one landed file, as a select
    work_out: Callable[..., Mapping[str, Any]]  # key → the other columns

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(OWN_TABLES[self.table])


def refresh(home: Home, settings: Settings, lookup: Lookup) -> int:
    """Add every key of files not looked at before that is not known yet; returns how many were added."""
    seen, is_good = _seen(home, lookup)
    files = {path: lookup.read_as(settings, path) for path in _files(home, lookup)}
    new = {path: state for path, state in files.items() if seen.get(_label(home, path)) != state}
    if not new:
        return 0
    added = append(home, settings, lookup, new, is_good)
    _write_seen(home, lookup, files)
    return added


def append(home: Home, settings: Settings, lookup: Lookup, files: Mapping[Path, str], keep: bool) -> int:
    """Write the new rows, and the known ones where they are still good, next to the table; put them in its place."""
    path = home.own_table(lookup.table)
    make_folder(path.parent)
    temporary, fresh = beside(path), beside(path)
    held = [path] if keep and path.exists() else []
    limit = settings.engine.memory_limit
    try:
        with connect(
            None, memory_limit=limit, threads=settings.engine.threads, temp_directory=home.spill
        ) as connection:
            added = _write_new(connection, lookup, files, held, fresh)
            if added or not keep:
                connection.execute(
                    f"copy (select {', '.join(lookup.columns)} from read_parquet({path_list([*held, fresh])}))"
                    f" to {quote(str(temporary))} (format parquet, codec 'zstd')"
                )
                put_in_place(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
        fresh.unlink(missing_ok=True)
    return added


def _write_new(
    connection: duckdb.DuckDBPyConnection, lookup: Lookup, files: Mapping[Path, str], held: list[Path], target: Path
) -> int:
    key = ", ".join(lookup.key)
    missing = f"select * from ({' union '.join(lookup.keys(path, state) for path, state in files.items())})"
    if held:
        missing += f" except select {key} from read_parquet({path_list(held)})"
    schema = arrow_schema(OWN_TABLES[lookup.table])
    result = connection.execute(f"select {key} from ({missing}) order by all")
    count = 0
    with pq.ParquetWriter(target, schema, compression="zstd") as writer:
        while batch := result.fetchmany(_BATCH):
            rows = [dict(zip(lookup.key, each, strict=True)) | dict(lookup.work_out(*each)) for each in batch]
            writer.write_table(pa.Table.from_pylist(rows, schema=schema))
            count += len(rows)
    return count


def _files(home: Home, lookup: Lookup) -> Iterator[Path]:
    for kind in kinds():
        for table in tables_of(kind).values():
            if lookup.reads(table):
                found = home.landed_table(kind, table.name).glob("*.parquet")
                yield from sorted(path for path in found if split_name(path.name) is not None)


def _label(home: Home, path: Path) -> str:
    return str(path.relative_to(home.landing))


def _rows(home: Home, lookup: Lookup) -> int:
    path = home.own_table(lookup.table)
    return int(pq.read_metadata(path).num_rows) if path.exists() else 0


def _write_seen(home: Home, lookup: Lookup, files: Mapping[Path, str]) -> None:
    content = {
        "rows": _rows(home, lookup),
        "made_with": lookup.made_with,
        "files": {_label(home, path): state for path, state in files.items()},
    }
    write_atomically(home.own_table(lookup.table).with_name(_SEEN_FILE), json.dumps(content, indent=0))


def _seen(home: Home, lookup: Lookup) -> tuple[dict[str, str], bool]:
    """File → how it was read, and whether the table's rows were made with today's rules.

    Where this or the table was lost, every file is looked at again.
    """
    try:
        content = json.loads(home.own_table(lookup.table).with_name(_SEEN_FILE).read_text(encoding="utf-8"))
        if content["made_with"] != lookup.made_with:
            return {}, False
        return (dict(content["files"]) if content["rows"] == _rows(home, lookup) else {}), True
    except (OSError, ValueError, KeyError, TypeError):
        return {}, False
