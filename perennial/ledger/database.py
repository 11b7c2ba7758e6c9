"""Opening the ledger's database: SQLite under the home, or PostgreSQL by URL.

What lives here: durability, locking, the schema and its version, and the secret that delivery keys are made with. What
does not: plans and deliveries (store.py), and reading the environment. Order: database, its tables, then the key.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, inspect, select, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError

from perennial.config.addresses import database_place
from perennial.config.files import PRIVATE_FILE, make_folder, write_atomically
from perennial.config.home import Home
from perennial.ledger.records import LedgerError
from perennial.ledger.tables import SCHEMA_VERSION, deliveries, meta, metadata

BUSY_SECONDS = 30
_WRITING = "perennial_writes"
_POSTGRES_LOCK = 7_366_001  # one writer at a time, as with SQLite


class Database:
    """One open ledger database: `read()` and `write()` give a connection inside a transaction."""

    def __init__(self, engine: Engine, place: str) -> None:
        self.engine = engine
        self.place = place
        self._writer = engine.execution_options(**{_WRITING: True})

    @contextmanager
    def read(self) -> Iterator[Connection]:
        with self._explained(), self.engine.begin() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Takes the write lock first, so that what is read inside still holds when it is written."""
        with self._explained(), self._writer.begin() as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(text("select pg_advisory_xact_lock(:lock)"), {"lock": _POSTGRES_LOCK})
            yield connection

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Database errors hold the values of rows, addresses too: only their kind is passed on."""
        try:
            yield
        except DBAPIError as error:
            cause = type(error.orig or error).__name__
            raise LedgerError(
                f"{self.place}: cannot be used ({cause}); check the server, the rights and the space on disk"
            ) from None

    def close(self) -> None:
        self.engine.dispose()


def open_database(home: Home, url: str | None) -> tuple[Database, bytes]:
    """The ledger of a home, made if it is new, and its secret. `url` leads to PostgreSQL; none means SQLite."""
    if not url:
        refuse_lost(home)
    database = _postgres(url) if url else _sqlite(home.ledger_file)
    try:
        _prepare(database, home if not url else None)
        secret = _secret_in_meta(database) if url else _secret_in_file(database, home.ledger_key)
    except BaseException:
        database.close()
        raise
    return database, secret


def probe(home: Home, url: str | None) -> None:
    """Would the ledger open? Makes and changes nothing; LedgerError where it would not."""
    if not url:
        refuse_lost(home)
        return
    database = _postgres(url)
    try:
        with database.read():
            pass
    finally:
        database.close()


def refuse_lost(home: Home) -> None:
    """A key without its ledger: the ledger is made before the key, so this is no first start but a loss."""
    if home.ledger_key.exists() and not home.ledger_file.exists():
        raise _lost(home)


def _lost(home: Home) -> LedgerError:
    return LedgerError(
        f"{home.ledger_file}: is gone or empty, while its key {home.ledger_key} is there; restore the ledger from the"
        f" back-up. To begin anew knowingly, remove the key too: then everybody in an audience is joined again, and"
        f" members of a channel who are in no audience stay there until they are removed by hand, at the channel"
    )


def _sqlite(path: Path) -> Database:
    make_folder(path.parent)
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, PRIVATE_FILE))  # SQLite gives its side files the same mode
    os.chmod(path, PRIVATE_FILE)
    engine = create_engine(
        URL.create("sqlite", database=str(path)), connect_args={"timeout": BUSY_SECONDS}, hide_parameters=True
    )
    event.listen(engine, "connect", _set_up_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return Database(engine, str(path))


def _set_up_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # transactions are begun below, not guessed by the driver
    for setting in ("journal_mode = wal", "synchronous = full", f"busy_timeout = {BUSY_SECONDS * 1000}"):
        connection.execute(f"pragma {setting}")


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get(_WRITING, False)
    connection.exec_driver_sql("begin immediate" if writes else "begin")


def _postgres(text_url: str) -> Database:
    try:
        url = make_url(text_url)
    except (ArgumentError, ValueError):  # their texts may repeat a part of it
        raise LedgerError("ledger.url_env: the variable holds no database URL; write postgresql://…") from None
    if url.get_backend_name() != "postgresql":
        raise LedgerError(f"ledger.url_env: {url.get_backend_name()} is not known here; use postgresql://…")
    timeout = {} if "connect_timeout" in url.query else {"connect_timeout": BUSY_SECONDS}
    engine = create_engine(
        url.set(drivername="postgresql+psycopg"), pool_pre_ping=True, hide_parameters=True, connect_args=timeout
    )
    return Database(engine, database_place(text_url, "ledger.url_env"))


def _prepare(database: Database, home: Home | None) -> None:
    """Make the tables of a new ledger. `home`: whose key tells a new SQLite file from one that lost its content."""
    with database.write() as connection:
        is_new = not inspect(connection).has_table(meta.name)
        if is_new and home is not None and home.ledger_key.exists():
            raise _lost(home)
        if is_new:
            metadata.create_all(connection)
            connection.execute(meta.insert().values(name="schema_version", value=SCHEMA_VERSION))
        found = _get(connection, "schema_version")
    if found != SCHEMA_VERSION:
        raise LedgerError(
            f"{database.place}: has schema version {found}, this Perennial needs {SCHEMA_VERSION};"
            " run `perennial upgrade`, or use a newer Perennial"
        )


def _get(connection: Connection, name: str) -> str | None:
    return connection.execute(select(meta.c.value).where(meta.c.name == name)).scalar()


def _secret_in_meta(database: Database) -> bytes:
    with database.write() as connection:
        found = _get(connection, "key")
        if found is None:
            found = secrets.token_hex(32)
            connection.execute(meta.insert().values(name="key", value=found))
    return bytes.fromhex(found)


def _secret_in_file(database: Database, path: Path) -> bytes:
    """The key file, made once. A ledger that has made keys before is not continued with another secret."""
    with database.write() as connection:
        known = _get(connection, "key_fingerprint")
        if not path.exists():
            if connection.execute(select(deliveries.c.delivery_key).limit(1)).first():
                raise LedgerError(f"{path}: is missing; restore it with the ledger it belongs to, or rows go out twice")
            connection.execute(meta.delete().where(meta.c.name == "key_fingerprint"))
            known = None
            write_atomically(path, secrets.token_hex(32) + "\n")
        secret = _read_secret(path)
        fingerprint = hashlib.sha256(b"fingerprint" + secret).hexdigest()
        if known is None:
            connection.execute(meta.insert().values(name="key_fingerprint", value=fingerprint))
        elif known != fingerprint:
            raise LedgerError(f"{path}: is not the key of this ledger; restore the two together, or rows go out twice")
    return secret


def _read_secret(path: Path) -> bytes:
    try:
        secret = bytes.fromhex(path.read_text(encoding="ascii").strip())
    except (OSError, ValueError) as error:
        raise LedgerError(f"{path}: cannot be read as a key ({type(error).__name__}); restore it") from error
    if len(secret) != 32:
        raise LedgerError(f"{path}: holds {len(secret)} bytes, not 32; restore it")
    return secret
