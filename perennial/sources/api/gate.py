"""The volume gate: what a vendor handed over must hold what it handed over before.

What lives here: where a reading must begin so that enough of what is held comes again, and what of it is missing. What
does not: reading. An empty or half-empty answer that says it went well is the fault this is for: every night reads some
rows again that are held, so an exact comparison takes the place of guessing how many rows a night should bring.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import chain
from pathlib import Path

import duckdb
import pyarrow as pa

from perennial.landing.contract import Table
from perennial.sources.base import Stream
from perennial.warehouse.duck import name, path_list

_AT_ONCE = 100_000
AT_LEAST = 20  # so many rows held come again every night, however long ago they changed


@dataclass(frozen=True)
class Missing:
    """Of `expected` rows held that had to come again, `missing` did not."""

    expected: int
    missing: int

    @property
    def share(self) -> float:
        return self.missing / self.expected if self.expected else 0.0

    def closes(self, most: float) -> bool:
        """Whether more than that share is gone. One row of several is nobody's half-empty answer, however few there
        are: a shop of three products may drop one."""
        return self.share > most and (self.missing > 1 or self.missing == self.expected)


@dataclass(frozen=True)
class Wanted:
    """What has to come again: the rows of a stream held since then (none: all of them). Deleted ones are not."""

    stream: Stream
    table: Table
    held: list[Path]
    since: datetime | None

    @property
    def keys(self) -> str:
        key, updated = name(self.stream.key), self.stream.updated
        changed = "true"
        if self.since is not None and updated is not None:
            changed = f"{name(updated)} >= timestamp '{self.since.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f}'"
        alive = "not bool_or(coalesce(is_deleted, false))" if "is_deleted" in self.table.column_names else "true"
        return (
            f"select {key} from {_rows(self.held)} where not is_superseded and {changed} group by {key} having {alive}"
        )


def begin_at(
    connection: duckdb.DuckDBPyConnection,
    stream: Stream,
    held: list[Path],
    watermark: datetime,
    overlap: timedelta,
    gone: Sequence[str] = (),
) -> datetime:
    """`overlap` before the watermark, or earlier, so that AT_LEAST rows held are read again; those that are known to be
    gone do not count."""
    since = watermark - overlap
    if not held or stream.updated is None:
        return since
    updated = name(stream.updated)
    found = connection.execute(
        f"select min({updated}) from (select {updated} from {_rows(held)} where not is_superseded and {updated} <= ?"
        f" and not list_contains(cast(? as varchar[]), {name(stream.key)})"
        f" order by {updated} desc limit {AT_LEAST})",
        [watermark.astimezone(UTC).replace(tzinfo=None), list(gone)],
    ).fetchall()[0][0]
    return since if found is None else min(since, found.replace(tzinfo=UTC))


def missing(
    connection: duckdb.DuckDBPyConnection, wanted: Wanted, received: list[Path], gone: Sequence[str] = ()
) -> Missing:
    """Which rows that had to come again are not among the received ones; `gone` are known to be gone."""
    if not wanted.held:
        return Missing(0, 0)
    key = name(wanted.stream.key)
    expected_count, missing_count = connection.execute(
        f"select count(*), count_if(arrived.{key} is null) from ({wanted.keys}) as expected"
        f" left join ({_arrived(wanted.stream, received)}) as arrived on expected.{key} = arrived.{key}"
        f" where not (arrived.{key} is null and list_contains(cast(? as varchar[]), expected.{key}))",
        [list(gone)],
    ).fetchall()[0]
    return Missing(int(expected_count), int(missing_count))


def absent(connection: duckdb.DuckDBPyConnection, wanted: Wanted, received: list[Path]) -> list[str]:
    """The keys of all rows that had to come again and did not, in their order."""
    key = name(wanted.stream.key)
    found = connection.execute(
        f"select {key} from ({wanted.keys}) as expected anti join ({_arrived(wanted.stream, received)}) as arrived"
        f" on expected.{key} = arrived.{key} order by 1"
    ).fetchall()
    return [str(row[0]) for row in found]


def _arrived(stream: Stream, received: list[Path]) -> str:
    key = name(stream.key)
    found = f"select {key} from {_rows(received)}" if received else "select null where false"
    return f"select distinct {key} from ({found}) as received({key})"


def keys_received(connection: duckdb.DuckDBPyConnection, stream: Stream, received: list[Path]) -> int:
    """How many different items arrived, those refused among them."""
    if not received:
        return 0
    found = connection.execute(f"select count(distinct {name(stream.key)}) from {_rows(received)}").fetchall()
    return int(found[0][0])


def changed_since(connection: duckdb.DuckDBPyConnection, stream: Stream, received: list[Path], moment: datetime) -> int:
    """How many of the items that arrived had changed at that time or later."""
    if not received or stream.updated is None:
        return 0
    found = connection.execute(
        f"select count(distinct {name(stream.key)}) from {_rows(received)} where {name(stream.updated)} >= ?",
        [moment.astimezone(UTC).replace(tzinfo=None)],
    ).fetchall()
    return int(found[0][0])


def not_received(
    connection: duckdb.DuckDBPyConnection, stream: Stream, received: list[Path], named: Iterable[Sequence[str]]
) -> int:
    """How many of the items that the vendor names did not arrive. There may be millions: DuckDB holds them."""
    connection.execute("create or replace temp table named_ids (id varchar)")
    waiting: list[str] = []
    for page in chain(named, [()]):
        waiting += (str(each) for each in page)
        if len(waiting) >= _AT_ONCE or not page:
            connection.register("named_batch", pa.table({"id": pa.array(waiting, pa.string())}))
            connection.execute("insert into named_ids select id from named_batch")
            connection.unregister("named_batch")
            waiting = []
    found = f"select {name(stream.key)} as id from {_rows(received)}" if received else "select '' as id where false"
    count = connection.execute(
        f"select count(*) from (select distinct id from named_ids) as named anti join ({found}) as arrived"
        f" on named.id = arrived.id"
    ).fetchall()[0][0]
    connection.execute("drop table named_ids")
    return int(count)


def _rows(files: list[Path]) -> str:
    return f"read_parquet({path_list(files)}, union_by_name = true)"
