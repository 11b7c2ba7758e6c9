"""One demo world for all tests of this folder, its deliveries as tables under the contract's column names."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from perennial.config.settings import FilesSource, load_settings
from perennial.demo.make import make_demo
from tests.unit.demo.world import SCALE, deliveries


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("demo")
    make_demo(folder, SCALE)
    return folder


@pytest.fixture(scope="session")
def connection(demo: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """The exports as `<source>_<table>` under the contract's column names, and truth as `truth_<table>`."""
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        for source, table, reader in deliveries(demo):
            renamed = {export: name for name, export in renames(demo, source, table).items()}
            columns = [row[0] for row in connection.execute(f"describe select * from {reader}").fetchall()]
            chosen = ", ".join(f'"{name}" as {renamed.get(name, name)}' for name in columns)
            connection.execute(f"create table {source}_{table} as select {chosen} from {reader}")
        for path in (demo / "truth").glob("*.parquet"):
            connection.execute(f"create table truth_{path.stem} as select * from read_parquet('{path}')")
        yield connection


def renames(demo: Path, source: str, table: str) -> dict[str, str]:
    settings = load_settings(demo / "perennial.yml").sources[source]
    assert isinstance(settings, FilesSource)
    return settings.columns.get(table, {})
