"""Which of several readings of one thing counts, where its rows do not tell.

What lives here: the filter that keeps, of every item's payloads, those of the newest reading and the newest version in
it. What does not: which version of a row wins otherwise (perennial/landing/settle.py).

Lines belong to one version of their parent: where an item came twice in one load, in two versions, the lines of the
older one are none any more. Where payloads of many nights are read at once, rows that bear no updated time are told
apart by their night alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import duckdb

from perennial.landing.contract import Table
from perennial.sources.api.payloads import PAYLOAD_FILE
from perennial.sources.api.typed import rows_select
from perennial.sources.base import Rows, Stream
from perennial.warehouse.duck import name, path_list

Files = Mapping[str, Sequence[Path]]  # form → its payload files
_KEY, _READING, _VERSION = "_key_{}", "_reading", "_version"


def is_line(stream: Stream, tables: Mapping[str, Table], rows: Rows) -> bool:
    """Whether these rows are lines of the stream's own items."""
    return tables[rows.table].parent == stream.table


def came_twice(connection: duckdb.DuckDBPyConnection, table: Table, received: Sequence[Path]) -> bool:
    if not received:
        return False
    keys = ", ".join(name(each) for each in table.key)
    found = connection.execute(
        f"select count(*) > count(distinct ({keys})) from read_parquet({path_list(list(received))})"
    ).fetchall()
    return bool(found[0][0])


def newest_rows(stream: Stream, tables: Mapping[str, Table], form: str, rows: Rows, files: Files) -> str:
    """These rows, of each item's newest reading alone; lines also of its newest version alone."""
    table = tables[rows.table]
    whose = stream.table if is_line(stream, tables, rows) else table.name
    key = tables[whose].key if whose == table.name else table.key[: len(tables[whose].key)]
    told = [
        _marked(
            stream, other, each, _expressions(each, tables[whose].key), each.columns.get(stream.updated or ""), files
        )
        for other, kind in stream.forms.items()
        for each in kind.rows
        if each.table == whose and files.get(other)
    ]
    version = _version(stream, form, rows, whose)
    if not told:
        return rows_select(stream.forms[form], rows, files[form])
    marks = ", ".join([*(_KEY.format(place) for place in range(len(key))), _READING])
    keys = ", ".join(_KEY.format(place) for place in range(len(key)))
    newest = (
        f"select {marks}, max({_VERSION}) as {_VERSION} from ({' union all '.join(told)}) group by {marks}"
        f" qualify row_number() over (partition by {keys} order by {_READING} desc) = 1"
    )
    same = [f"rows.{each} is not distinct from newest.{each}" for each in marks.split(", ")]
    if version is not None and whose != table.name:
        same.append(f"rows.{_VERSION} is not distinct from newest.{_VERSION}")
    marked = _marked(stream, form, rows, _expressions(rows, key), version, files, with_columns=True)
    columns = ", ".join(f"rows.{name(column)}" for column in rows.columns)
    return f"select {columns} from ({marked}) as rows semi join ({newest}) as newest on {' and '.join(same)}"


def _version(stream: Stream, form: str, rows: Rows, whose: str) -> str | None:
    """The updated time of the item that a row is of: what the row names, or what the item in the same payload says."""
    if rows.version is not None:
        return rows.version
    items = [each for each in stream.forms[form].rows if each.table == whose]
    return items[0].columns.get(stream.updated or "") if items else None


def _expressions(rows: Rows, key: Sequence[str]) -> list[str]:
    return [rows.columns[column] for column in key]


def _marked(
    stream: Stream, form: str, rows: Rows, key: Sequence[str], version: str | None, files: Files, *,
    with_columns: bool = False,
) -> str:  # fmt: skip
    """A form's rows with their key, their reading and their version, comparable across forms."""
    marks = {_KEY.format(place): f"cast({each} as varchar)" for place, each in enumerate(key)}
    marks[_READING] = _reading(stream.name)
    marks[_VERSION] = "cast(null as timestamptz)" if version is None else f"try_cast({version} as timestamptz)"
    columns = {**(rows.columns if with_columns else {}), **marks}
    return rows_select(stream.forms[form], replace(rows, columns=columns), files[form], with_file=True)


def _reading(stream: str) -> str:
    """What the files of one walk over a stream have in common: `<load>.<source>.orders-00`."""
    return (
        f"regexp_replace(parse_filename({PAYLOAD_FILE}), '({stream})\\.[a-z_]+-(\\d\\d)\\d+\\.jsonl\\.zst$', '\\1-\\2')"
    )
