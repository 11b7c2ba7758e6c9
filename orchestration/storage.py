"""Dagster's SQLite files, written without waiting for the disk after every event.

What lives here: relaxing how run history is forced to disk. What does not: the ledger, landing and snapshots, which
are the truth and are forced to disk in full. A night records some hundreds of events, each in two files, each of
which Dagster opens, writes, forces and closes: a minute of waiting on a slow disk, and nothing in them that the next
night needs. A kill loses nothing (the kernel holds what was written); a power cut may lose the last events of a run,
the files stay whole.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import Engine


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
