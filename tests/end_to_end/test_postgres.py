"""The same shop served from a real PostgreSQL through the `sql` source gives the same figures."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pyarrow.parquet as pq
import pytest

from perennial.config.home import Home
from tests.support.nights import build_only, land_only
from tests.support.online_retail import differences
from tests.support.postgres import NoServer, Server, running

TYPES = {"int32": "integer", "int64": "bigint", "string": "text", "large_string": "text", "timestamp[us]": "timestamp"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    try:
        with running(tmp_path_factory.mktemp("postgres")) as server:
            yield server
    except NoServer as reason:
        pytest.skip(str(reason))


def copy_in(connection: psycopg.Connection[tuple[object, ...]], table: str, file: Path) -> None:
    rows = pq.read_table(file)
    columns = ", ".join(f"{field.name} {TYPES.get(str(field.type), 'numeric(38,4)')}" for field in rows.schema)
    connection.execute(f"create table {table} ({columns})")
    with connection.cursor().copy(f"copy {table} from stdin") as copy:
        for batch in rows.to_batches():
            for row in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                copy.write_row(row)


def test_served_from_postgresql_the_figures_are_the_same(server: Server, sample_data: Path, night_home: Home) -> None:
    retail = sample_data / "online_retail_2011"
    with psycopg.connect(server.url()) as connection:
        for file in sorted((retail / "input").glob("*.parquet")):
            copy_in(connection, file.stem, file)
    tables = {
        "shop_customers": "shop_customers",
        "shop_orders": "public.shop_orders",
        "shop_order_lines": "select * from shop_order_lines",
        "shop_refunds": "shop_refunds",
    }
    land_only(
        night_home,
        {"shop": {"kind": "sql", "url_env": "SHOP_URL", "tables": tables}},
        {"business": {"time_zone": "UTC", "currency": "GBP"}},
        env={"SHOP_URL": server.url().replace("postgresql://", "postgresql+psycopg://")},
    )
    assert differences(build_only(night_home, "2011-12-10"), retail / "truth") == []
