"""The source kind `files`: a folder of CSV, Parquet and JSON Lines exports.

What lives here: offering each file to a load, first through DuckDB's own strict reader, then, where that objects,
record by record. What does not: finding the files (folder.py), the careful readers (csv_reader.py, json_reader.py),
types and versions (landing). Texts of DuckDB's errors are never passed on: they repeat lines of the file.
"""

from __future__ import annotations

import csv
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path

import duckdb

from perennial.config.settings import FilesSource
from perennial.landing.contract import TABLES
from perennial.landing.incoming import READER_COLUMNS, Incoming, WrongColumns, fold
from perennial.landing.load import Load
from perennial.landing.pieces import is_full_disk
from perennial.sources import csv_reader, json_reader
from perennial.sources.base import SourceFailed
from perennial.sources.folder import Delivery, look_into
from perennial.sources.spool import Spool
from perennial.warehouse.duck import literal_path, name, path_list, quote

MOST_KEYS = 1_000
GROUP_FILES = 200
_OBJECTIONS = (
    duckdb.InvalidInputException, duckdb.IOException, duckdb.ConversionException, duckdb.NotImplementedException,
)  # fmt: skip
_BROKEN = (EOFError, zlib.error, OSError)


class FilesReader:
    """Reads one configured folder."""

    def __init__(self, source: FilesSource) -> None:
        self.source = source

    def deliver(self, load: Load, env: Mapping[str, str]) -> None:
        contents = look_into(self.source.path)
        load.warnings.extend(f"ignored: {each}" for each in contents.ignored)
        for table, deliveries in groupby(
            sorted(contents.deliveries, key=lambda each: each.table), lambda each: each.table
        ):
            load.delivered(table)
            for group in self._groups(load, list(deliveries)):
                self._receive(load, table, group)

    def probe(self, env: Mapping[str, str]) -> list[str]:
        try:
            look_into(self.source.path)
        except SourceFailed as error:
            return [str(error)]
        return []

    def _groups(self, load: Load, deliveries: list[Delivery]) -> Iterator[list[Delivery]]:
        """Neighbouring files that can be read as one, since they are made alike."""
        for _, alike in groupby(deliveries, lambda each: (each.format, self._shape(load, each))):
            group = [each for each in alike if each.format != "jsonl" or _has_lines(each)]
            yield from (group[at : at + GROUP_FILES] for at in range(0, len(group), GROUP_FILES))

    def _shape(self, load: Load, delivery: Delivery) -> object:
        if delivery.format == "csv":
            return csv_header(delivery)
        if delivery.format == "parquet":
            return tuple(_describe(load, delivery))
        return delivery.label  # each JSON Lines file has keys of its own

    def _receive(self, load: Load, table: str, group: list[Delivery]) -> None:
        try:
            load.receive(table, self._fast(load, table, group))
            return
        except WrongColumns as error:
            raise SourceFailed(str(error)) from None
        except _OBJECTIONS as error:
            if is_full_disk(error):
                raise
            if group[0].format == "parquet" and len(group) == 1:
                raise SourceFailed(
                    f"{group[0].label}: is no readable Parquet file (cut short?); deliver it again"
                ) from None
        if len(group) > 1:
            for each in group:
                self._receive(load, table, [each])
        else:
            self._receive_carefully(load, table, group[0])

    def _fast(self, load: Load, table: str, group: list[Delivery]) -> Incoming:
        renames = self.source.columns.get(table, {})
        first = group[0]
        label = first.label if len(group) == 1 else f"{first.label} and {len(group) - 1} more"
        if first.format == "csv":
            read = _csv_relation(csv_header(first), table, renames)
        elif first.format == "jsonl":
            read = _json_relation(_json_keys(load, first), table, renames)
        else:
            read = _parquet_relation(load, first)
        located = tuple(_located(read, each) for each in group)
        return Incoming(label, read.replace("{files}", path_list([each.path for each in group])), located, renames)

    def _receive_carefully(self, load: Load, table: str, delivery: Delivery) -> None:
        renames = self.source.columns.get(table, {})
        spooled = load.scratch(f"careful-{len(list(load.scratch('').iterdir()))}.parquet")
        try:
            if delivery.format == "csv":
                _spool_csv(delivery, spooled)
            else:
                _spool_json(delivery, table, renames, spooled)
        except _BROKEN as error:
            if is_full_disk(error):
                raise
            raise SourceFailed(
                f"{delivery.label}: cannot be read to its end ({type(error).__name__}); deliver it again"
            ) from None
        rows = f"select * from read_parquet({path_list([spooled])})"
        try:
            load.receive(table, Incoming(delivery.label, rows, (rows,), renames))
        except WrongColumns as error:
            raise SourceFailed(str(error)) from None
        spooled.unlink()


def csv_header(delivery: Delivery) -> csv_reader.Header:
    """The header of a CSV file. A file that has none cannot be told from one that was cut short."""
    try:
        header = csv_reader.read_header(delivery.path)
    except (UnicodeDecodeError, csv.Error):
        raise SourceFailed(
            f"{delivery.label}: its first line is no header in UTF-8; save the file as UTF-8 CSV"
        ) from None
    except _BROKEN as error:
        raise SourceFailed(f"{delivery.label}: cannot be opened ({type(error).__name__}); deliver it again") from None
    if header is None:
        raise SourceFailed(f"{delivery.label}: is empty, it has not even a header; deliver it again")
    seen: dict[str, int] = {}
    for position, each in enumerate(header.columns, start=1):
        if fold(each) in seen:  # by position: without a header, these would be somebody's data
            raise SourceFailed(
                f"{delivery.label}: columns {seen[fold(each)]} and {position} have one name; rename one in the export"
            )
        if fold(each):
            seen[fold(each)] = position
    return header


def _column_names(header: csv_reader.Header) -> list[str]:
    """The header's names, made usable: a blank one and one of the reader's own get a name by position."""
    return [
        each if fold(each) and fold(each) not in READER_COLUMNS else f"column {position}"
        for position, each in enumerate(header.columns, start=1)
    ]


def _csv_relation(header: csv_reader.Header, table: str, renames: Mapping[str, str]) -> str:
    if header.encoding != "utf-8":
        raise duckdb.InvalidInputException("left to the careful reader")
    columns = ", ".join(f"{quote(each)}: 'VARCHAR'" for each in _column_names(header))
    return (
        f"select * from read_csv({{files}}, auto_detect = false, header = true, delim = {quote(header.delimiter)},"
        f" quote = '\"', escape = '\"', strict_mode = true, null_padding = false, ignore_errors = false,"
        f" max_line_size = {csv_reader.LONGEST_RECORD}, columns = {{{columns}}})"
    )


def _json_relation(keys: Sequence[str], table: str, renames: Mapping[str, str]) -> str:
    """Ids as JSON, so that a number can be told from a text; everything else as text."""
    if not keys:
        raise duckdb.InvalidInputException("left to the careful reader")
    ids = _id_columns(table, renames)
    columns = ", ".join(f"{quote(each)}: {quote('JSON' if fold(each) in ids else 'VARCHAR')}" for each in keys)
    return (
        f"select * from read_json({{files}}, format = 'newline_delimited', records = true, auto_detect = false,"
        f" columns = {{{columns}}})"
    )


def _json_keys(load: Load, delivery: Delivery) -> list[str]:
    """Every key of the file, in the order of their names."""
    found = load.connection.execute(
        f"select distinct unnest(json_keys(json)) as key"
        f" from read_ndjson_objects({path_list([delivery.path])}) limit ?",
        [MOST_KEYS + 1],
    ).fetchall()
    return _usable_keys(delivery, (str(row[0]) for row in found))


def _usable_keys(delivery: Delivery, found: Iterable[str]) -> list[str]:
    keys = sorted(each for each in found if fold(each) and fold(each) not in READER_COLUMNS)
    if len(keys) > MOST_KEYS:
        raise SourceFailed(f"{delivery.label}: has more than {MOST_KEYS} different keys; deliver one object a row")
    folded = [fold(each) for each in keys]
    for each in keys:
        if folded.count(fold(each)) > 1:
            raise SourceFailed(f"{delivery.label}: key {each!r} is there in two spellings; keep one")
    return keys


def _located(read: str, delivery: Delivery) -> str:
    rows = read.replace("{files}", f"[{quote(literal_path(delivery.path))}]")
    return f"select *, {quote(delivery.label)} as _file, row_number() over () as _row from ({rows})"


def _parquet_relation(load: Load, delivery: Delivery) -> str:
    """Every column as it is; those named like the reader's own get another name, so that nobody asks for them."""
    own = [column for column, _ in _describe(load, delivery) if fold(column) in READER_COLUMNS]
    renamed = ", ".join(f"{name(each)} as {name(f'column {each}')}" for each in own)
    columns = f"* rename ({renamed})" if own else "*"
    return f"select {columns} from read_parquet({{files}}, binary_as_string = true)"


def _describe(load: Load, delivery: Delivery) -> list[tuple[str, str]]:
    """The columns of a Parquet file with their types."""
    relation = f"read_parquet({path_list([delivery.path])}, binary_as_string = true)"
    try:
        found = load.connection.execute(f"describe select * from {relation}").fetchall()
    except _OBJECTIONS:
        raise SourceFailed(f"{delivery.label}: is no readable Parquet file (cut short?); deliver it again") from None
    return [(str(row[0]), str(row[1])) for row in found]


def _spool_csv(delivery: Delivery, target: Path) -> None:
    header = csv_header(delivery)
    with Spool(target, [*_column_names(header), *READER_COLUMNS], ("_row",)) as spool:
        for number, record in enumerate(csv_reader.read_records(delivery.path, header), start=1):
            unknown = [None] * (len(header.columns) - len(record.values))
            row = [*record.values, *unknown, delivery.label, number, record.reason, record.text]
            spool.add(row, record.size)


def _spool_json(delivery: Delivery, table: str, renames: Mapping[str, str], target: Path) -> None:
    found: dict[str, None] = {}
    for line in json_reader.read_objects(delivery.path):
        found.update(dict.fromkeys(line.values or ()))
    keys = _usable_keys(delivery, found)
    if not keys:
        raise SourceFailed(f"{delivery.label}: none of its lines is a JSON object with keys; write one object a line")
    ids = _id_columns(table, renames)
    with Spool(target, [*keys, *READER_COLUMNS], ("_row",)) as spool:
        for number, line in enumerate(json_reader.read_objects(delivery.path), start=1):
            values = line.values or {}
            nested = [key for key in keys if fold(key) in ids and isinstance(values.get(key), json_reader.Nested)]
            reason = f"{nested[0]}: is a nested value; deliver plain text" if nested else line.reason
            texts = [(json_reader.as_id if fold(key) in ids else json_reader.as_text)(values.get(key)) for key in keys]
            spool.add([*texts, delivery.label, number, reason, line.text], line.size)


def _id_columns(table: str, renames: Mapping[str, str]) -> set[str]:
    """What a delivery calls the columns that are ids."""
    return {fold(renames.get(column.name, column.name)) for column in TABLES[table].columns if column.type == "id"}


def _has_lines(delivery: Delivery) -> bool:
    """Whether there is anything in a JSON Lines file; an empty one is a table without rows."""
    try:
        return next(json_reader.read_objects(delivery.path), None) is not None
    except _BROKEN as error:
        raise SourceFailed(f"{delivery.label}: cannot be opened ({type(error).__name__}); deliver it again") from None
