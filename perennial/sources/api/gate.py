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


def begin_at(
    connection: duckdb.DuckDBPyConnection, stream: Stream, held: list[Path], watermark: datetime, overlap: timedelta
) -> datetime:
    """`overlap` before the watermark, or earlier, so that AT_LEAST rows held are read again."""
    since = watermark - overlap
    if not held or stream.updated is None:
        return since
    updated = name(stream.updated)
    found = connection.execute(
        f"select min({updated}) from (select {updated} from {_rows(held)} where not is_superseded and {updated} <= ?"
        f" order by {updated} desc limit {AT_LEAST})",
        [watermark.astimezone(UTC).replace(tzinfo=None)],
    ).fetchall()[0][0]
    return since if found is None else min(since, found.replace(tzinfo=UTC))


def missing(
    connection: duckdb.DuckDBPyConnection,
    stream: Stream,
    table: Table,
    held: list[Path],
    received: list[Path],
    since: datetime | None,
) -> Missing:
    """Which rows held since then (none: all) are not among the received ones. Deleted ones are not expected."""
    if not held:
        return Missing(0, 0)
    key = name(stream.key)
    changed = "true"
    if since is not None and stream.updated is not None:
        changed = f"{name(stream.updated)} >= timestamp '{since.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f}'"
    alive = "not bool_or(coalesce(is_deleted, false))" if "is_deleted" in table.column_names else "true"
    expected = f"select {key} from {_rows(held)} where not is_superseded and {changed} group by {key} having {alive}"
    found = f"select {key} from {_rows(received)}" if received else "select null where false"
    expected_count, missing_count = connection.execute(
        f"select count(*), count_if(arrived.{key} is null) from ({expected}) as expected"
        f" left join (select distinct {key} from ({found}) as received({key})) as arrived"
        f" on expected.{key} = arrived.{key}"
    ).fetchall()[0]
    return Missing(int(expected_count), int(missing_count))


def keys_received(connection: duckdb.DuckDBPyConnection, stream: Stream, received: list[Path]) -> int:
    """How many different items arrived, those refused among them."""
    if not received:
        return 0
    found = connection.execute(f"select count(distinct {name(stream.key)}) from {_rows(received)}").fetchall()
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
