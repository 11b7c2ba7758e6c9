"""Dagster's SQLite files, kept open and written without waiting for the disk after every event.

What lives here: relaxing how run history is forced to disk, and an event log that keeps its files open. What does not:
the ledger, landing and snapshots, which are the truth and are forced to disk in full. A night records some thousand
events, each in two files, each of which Dagster opens, writes, forces and closes: a minute of waiting on a slow disk,
and nothing in them that the next night needs. A kill loses nothing (the kernel holds what was written); a power cut may
lose the last events of a run, the files stay whole.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

from dagster._core.storage.event_log.sqlite.sqlite_event_log import INDEX_SHARD_NAME, SqliteEventLogStorage
from dagster._serdes import ConfigurableClassData
from sqlalchemy import create_engine, event
from sqlalchemy.engine import Connection, Engine

BUSY_TIMEOUT = 60  # seconds to wait for another process that writes
OPEN_FILES = 4  # of single runs, beside the index of all runs


class KeptOpenEventLog(SqliteEventLogStorage):
    """Dagster's own event log with one engine per file instead of one per event: the same files, a third of the cost.

    An engine that lives for one event compiles every statement anew. dagster.yaml names this class.
    """

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        self._engines: dict[str, Engine] = {}
        super().__init__(base_dir, inst_data)

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]
    ) -> KeptOpenEventLog:
        return cls(inst_data=inst_data, **config_value)

    def run_connection(self, run_id: str | None = None) -> AbstractContextManager[Connection]:
        assert run_id is not None
        return self._kept_open(run_id)

    def index_connection(self) -> AbstractContextManager[Connection]:
        return self._kept_open(INDEX_SHARD_NAME)

    def dispose(self) -> None:
        super().dispose()
        with self._db_lock:
            self._let_go(keep=0)

    def delete_events(self, run_id: str) -> None:
        """Forget a run and remove its file, which would stand there at its full size, empty, for ever."""
        super().delete_events(run_id)
        with self._db_lock:
            if run_id in self._engines:
                self._engines.pop(run_id).dispose()
            for ending in ("", "-wal", "-shm"):
                Path(self.path_for_shard(run_id) + ending).unlink(missing_ok=True)

    @contextmanager
    def _kept_open(self, shard: str) -> Iterator[Connection]:
        with self._db_lock:
            engine = self._engine(shard)
            with engine.connect() as connection, connection.begin():
                yield connection

    def _engine(self, shard: str) -> Engine:
        engine = self._engines.pop(shard, None)
        if not Path(self.path_for_shard(shard)).exists():  # new, or wiped
            self._initialized_dbs.discard(shard)
            if engine is not None:
                engine.dispose()
                engine = None
        if engine is None:
            self._let_go(keep=OPEN_FILES)
            engine = create_engine(self.conn_string_for_shard(shard), connect_args={"timeout": BUSY_TIMEOUT})
        if shard not in self._initialized_dbs:
            self._initdb(engine)
            self._initialized_dbs.add(shard)
        self._engines[shard] = engine  # the last one used stands last
        return engine

    def _let_go(self, keep: int) -> None:
        for shard in list(self._engines)[: max(0, len(self._engines) - keep)]:
            self._engines.pop(shard).dispose()


@contextmanager
def unhurried(folder: Path) -> Iterator[None]:
    """While inside, SQLite files under `folder` are synced at checkpoints only, and checkpointed rarely."""
    keepers: dict[str, sqlite3.Connection] = {}

    def relax(connection: Any, _record: Any) -> None:
        file = _file_of(connection)
        if file is None or not Path(file).is_relative_to(folder):
            return
        connection.execute("pragma synchronous = normal")
        if file not in keepers and connection.execute("pragma journal_mode").fetchone()[0] == "wal":
            keepers[file] = _keep_open(file)

    event.listen(Engine, "connect", relax)
    try:
        yield
    finally:
        event.remove(Engine, "connect", relax)
        for keeper in keepers.values():
            keeper.close()


def _file_of(connection: Any) -> str | None:
    """The file of a SQLite connection; none for another database or one in memory."""
    if not isinstance(connection, sqlite3.Connection):
        return None
    row = connection.execute("pragma database_list").fetchone()
    return row[2] or None


def _keep_open(file: str) -> sqlite3.Connection:
    """One connection that stays: the write-ahead log is folded in, and forced, only when the last one closes."""
    keeper = sqlite3.connect(file, timeout=60, check_same_thread=False)
    keeper.execute("select count(*) from sqlite_master").fetchone()
    return keeper
