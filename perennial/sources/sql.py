"""The source kind `sql`: tables or queries of any database that SQLAlchemy reaches.

What lives here: reading through a cursor on the server into a temporary Parquet file, in bounded batches, every value
as its exact text. What does not: types and versions (landing). No error of a driver is passed on as it is: it may
repeat the address or a row.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, CursorResult, Engine, create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import (
    ArgumentError,
    DBAPIError,
    InterfaceError,
    NoSuchModuleError,
    OperationalError,
    SQLAlchemyError,
)

from perennial.config.addresses import database_place
from perennial.config.secrets import resolve
from perennial.config.settings import SqlSource
from perennial.landing.contract import TABLES
from perennial.landing.incoming import READER_COLUMNS, Incoming, WrongColumns, fold
from perennial.landing.load import Load
from perennial.sources.base import SourceFailed, SourceUnavailable
from perennial.sources.spool import Spool
from perennial.warehouse.duck import path_list, quote

FETCH_ROWS = 5_000
CONNECT_SECONDS = 10
_PLACE = "perennial_place"
_TABLE_NAME = re.compile(r"[^\s;()'\"]+")
_DRIVERS = {"postgres": "postgresql+psycopg", "postgresql": "postgresql+psycopg"}
Text = Callable[[Any], str | None]


class SqlReader:
    """Reads one configured database."""

    def __init__(self, source: SqlSource) -> None:
        self.source = source

    def deliver(self, load: Load, env: Mapping[str, str]) -> None:
        with self._engine(env) as engine, self._connect(engine) as connection:
            for table, wanted in self.source.tables.items():
                load.delivered(table)
                self._receive(load, connection, table, wanted)

    def probe(self, env: Mapping[str, str]) -> list[str]:
        try:
            with self._engine(env) as engine, self._connect(engine) as connection:
                for table, wanted in self.source.tables.items():
                    _columns(connection, table, wanted)
        except SourceFailed as error:
            return [str(error)]
        return []

    @contextmanager
    def _engine(self, env: Mapping[str, str]) -> Iterator[Engine]:
        address = self.source.url or resolve(env, str(self.source.url_env), "url_env")
        engine = open_engine(address, self.source.url_env or "url")
        try:
            yield engine
        finally:
            engine.dispose()

    @contextmanager
    def _connect(self, engine: Engine) -> Iterator[Connection]:
        try:
            connection = engine.connect()
        except SQLAlchemyError as error:
            raise SourceUnavailable(
                f"{_place(engine)}: cannot be reached ({_cause(error)});"
                f" check the address, the password (an @ in it is written %40) and the network"
            ) from None
        with connection:
            yield _one_moment(connection)

    def _receive(self, load: Load, connection: Connection, table: str, wanted: str) -> None:
        label = f"table {table} of {_place(connection.engine)}"
        spooled = load.scratch(f"{table}.parquet")
        _spool(connection, table, wanted, label, spooled)
        rows = f"select * from read_parquet({path_list([spooled])})"
        located = f"select *, {quote(label)} as _file, row_number() over () as _row from ({rows})"
        try:
            load.receive(table, Incoming(label, rows, (located,)))
        except WrongColumns as error:
            raise SourceFailed(str(error)) from None
        spooled.unlink()


def open_engine(address: str, where: str) -> Engine:
    """An engine for a URL; PostgreSQL goes through psycopg 3 unless the URL names another driver."""
    place = database_place(address, where)
    try:
        url = make_url(address)
        url = url.set(drivername=_DRIVERS.get(url.drivername, url.drivername))
        if url.get_backend_name() == "sqlite" and url.database and not Path(url.database).is_file():
            raise SourceFailed(f"{place}: no such SQLite file; correct the address in {where}")
        options = {_PLACE: place}
        return create_engine(url, hide_parameters=True, connect_args=_connect_args(url), execution_options=options)
    except (ArgumentError, NoSuchModuleError, ImportError, ValueError):
        raise SourceFailed(
            f"{where}: is no usable database address; write one such as postgresql://reader@host:5432/shop, and install"
            f" the driver it names"
        ) from None


def _connect_args(url: URL) -> dict[str, Any]:
    """Do not wait for ever for a host that does not answer."""
    if url.get_backend_name() == "postgresql" and "connect_timeout" not in url.query:
        return {"connect_timeout": CONNECT_SECONDS}
    return {}


def _one_moment(connection: Connection) -> Connection:
    """All tables as of one moment, and nothing can be written by mistake, where the database can do that."""
    if connection.dialect.name == "postgresql":
        return connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
    return connection


def stream(connection: Connection, query: str) -> CursorResult[Any]:
    """Run a query through a cursor on the server: rows come as they are asked for, never all at once."""
    options = {"stream_results": True, "yield_per": FETCH_ROWS}
    return connection.execute(text(query), execution_options=options)


def _spool(connection: Connection, table: str, wanted: str, label: str, target: Path) -> None:
    try:
        with stream(connection, _query(connection, wanted)) as result:
            columns = list(result.keys())
            _refuse_twice(columns, label)
            writers = _writers(table, columns)
            with Spool(target, [_usable(each) for each in columns]) as spool:
                for batch in result.partitions(FETCH_ROWS):
                    by_column = zip(writers, zip(*batch, strict=True), strict=True)
                    spool.add_columns([[write(value) for value in values] for write, values in by_column])
    except SQLAlchemyError as error:
        kind = SourceUnavailable if isinstance(error, OperationalError | InterfaceError) else SourceFailed
        raise kind(
            f"{label}: cannot be read ({_cause(error)}); check the table name or query under `tables:`"
        ) from None


def _columns(connection: Connection, table: str, wanted: str) -> list[str]:
    """The columns a table or query has, found without reading a row."""
    label = f"table {table} of {_place(connection.engine)}"
    try:
        with connection.execute(text(f"select * from ({_query(connection, wanted)}\n) as probe where 1 = 0")) as result:
            return list(result.keys())
    except SQLAlchemyError as error:
        raise SourceFailed(
            f"{label}: cannot be read ({_cause(error)}); check the name or query under `tables:`"
        ) from None


def _query(connection: Connection, wanted: str) -> str:
    """A query as it is; a name, also schema.table, quoted for this database."""
    stripped = wanted.strip().rstrip(";")
    if not _TABLE_NAME.fullmatch(stripped):
        return stripped.replace(":", "\\:")
    quoted = (connection.dialect.identifier_preparer.quote(part) for part in stripped.split("."))
    return f"select * from {'.'.join(quoted)}"


def _refuse_twice(columns: list[str], label: str) -> None:
    folded = [fold(each) for each in columns]
    for each in columns:
        if folded.count(fold(each)) > 1:
            raise SourceFailed(f"{label}: column {each!r} is there twice; give one another name in the query")


def _usable(column: str) -> str:
    return f"column {column}" if fold(column) in READER_COLUMNS else column


def _writers(table: str, columns: list[str]) -> list[Text]:
    ids = {column.name for column in TABLES[table].columns if column.type == "id"}
    return [_id_text if fold(each) in ids else _plain_text for each in columns]


def _id_text(value: Any) -> str | None:
    """An id: whole numbers without a fraction, whatever type the database keeps them in."""
    if isinstance(value, Decimal) and value.is_finite():
        whole = value.to_integral_value()
        return f"{whole:f}" if whole == value else f"{value.normalize():f}"
    if isinstance(value, float) and math.isfinite(value) and value.is_integer():
        return str(int(value))
    return _plain_text(value)


def _plain_text(value: Any) -> str | None:
    """The exact text of a value as databases give it."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False, default=str)
    if isinstance(value, bytes | memoryview):
        return bytes(value).hex()
    return str(value)


def _place(engine: Engine) -> str:
    """The database without user, password or options, as found in the address itself."""
    return str(engine.get_execution_options()[_PLACE])


def _cause(error: SQLAlchemyError) -> str:
    """What kind of error it was, in the driver's words for the kind: its text may repeat the address or a value."""
    original = error.orig if isinstance(error, DBAPIError) else None
    return type(original or error).__name__
