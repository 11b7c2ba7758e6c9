"""The same ledger twice: SQLite under a home, and a real PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from perennial.config.home import Home
from perennial.ledger.store import Ledger, open_ledger
from tests.support import postgres

Open = Callable[[], AbstractContextManager[Ledger]]


class Clock:
    """Time that moves a second whenever it is read."""

    def __init__(self) -> None:
        self.now = datetime(2026, 3, 1, 3, tzinfo=UTC)

    def __call__(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[postgres.Server]:
    try:
        with postgres.running(tmp_path_factory.mktemp("ledger_postgres")) as running:
            yield running
    except postgres.NoServer as error:
        pytest.skip(str(error))


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home").prepare()


@pytest.fixture
def postgres_url(server: postgres.Server, request: pytest.FixtureRequest) -> str:
    """A database of this test's own."""
    name = f"ledger_{abs(hash(request.node.name)) % 10**9}"
    admin = create_engine(server.url().replace("postgresql://", "postgresql+psycopg://"), isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f"create database {name}"))
    admin.dispose()
    return server.url(name)


@pytest.fixture(params=["sqlite", "postgres"])
def place(request: pytest.FixtureRequest) -> str | None:
    """The ledger's URL: none for SQLite."""
    return None if request.param == "sqlite" else request.getfixturevalue("postgres_url")


@pytest.fixture
def opened(home: Home, place: str | None) -> Open:
    clock = Clock()
    return lambda: open_ledger(home, place, clock)
