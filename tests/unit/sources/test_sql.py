"""The `sql` source against a real PostgreSQL server, and against SQLite where the server does not matter."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from perennial.sources import sql
from perennial.sources.sql import SqlReader
from tests.support.postgres import NoServer, Server, running
from tests.unit.landing.world import World


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    try:
        with running(tmp_path_factory.mktemp("postgres")) as found:
            yield found
    except NoServer as why:
        pytest.skip(str(why))


@pytest.fixture
def database(server: Server) -> Iterator[sa.Engine]:
    """An engine on the server, its public schema emptied afterwards."""
    engine = sa.create_engine(server.url().replace("postgresql:", "postgresql+psycopg:"))
    yield engine
    with engine.begin() as connection:
        connection.execute(
            sa.text("drop schema public cascade; drop schema if exists crm cascade; create schema public")
        )
    engine.dispose()


def run(engine: sa.Engine, *statements: str) -> None:
    with engine.begin() as connection:
        for each in statements:
            connection.execute(sa.text(each))


def land(world: World, server: Server, **tables: str) -> Any:
    world.env["SHOP_URL"] = server.url()
    return world.land(kind="sql", url_env="SHOP_URL", tables=tables, time_zone="Europe/London")


def test_values_of_every_type_arrive_exactly(world: World, server: Server, database: sa.Engine) -> None:
    run(
        database,
        "create table orders (order_id numeric, customer_id bigint, email text, phone float8, ordered_at timestamptz,"
        " currency char(3), subtotal_amount float8, total_amount numeric(30,10), status text, cancelled_at timestamp,"
        " updated_at date)",
        "insert into orders values"
        " (9007199254740993.000, 9007199254740993, 'a@example.com', 4420, '2025-07-01 10:00+02', 'GBP', 1.00005,"
        " 19.9899999999, 'paid', '2025-07-01 10:00', '2025-07-01'),"
        " (2, null, '', null, '2025-07-01 10:00+00', null, 'NaN', null, null, null, null)",
    )
    report = land(world, server, shop_orders="orders")
    assert (report.reason, report.tables[0].received, report.tables[0].quarantined) == (None, 2, 1)
    (row,) = world.landed("shop_orders", "sql")
    assert (row["order_id"], row["customer_id"]) == ("9007199254740993", "9007199254740993")
    assert (row["subtotal_amount"], row["total_amount"]) == (Decimal("1.0001"), Decimal("19.9900"))
    assert [str(row[column]) for column in ("ordered_at", "cancelled_at", "updated_at")] == [
        "2025-07-01 08:00:00",
        "2025-07-01 09:00:00",
        "2025-06-30 23:00:00",
    ]
    (refused,) = world.refused("shop_orders")
    assert refused["row"] == 2 and refused["reason"].startswith("subtotal_amount: 'nan' is not a number")
    assert refused["file"].startswith("table shop_orders of SHOP_URL (postgresql at 127.0.0.1:")


def test_tables_of_a_schema_and_queries_are_read_and_a_second_load_lands_nothing(
    world: World, server: Server, database: sa.Engine
) -> None:
    run(
        database,
        "create schema crm",
        'create table crm."Contacts" (contact_id int, email text)',
        "insert into crm.\"Contacts\" select i, 'c' || i || '@example.com' from generate_series(1, 12000) i",
        "create table deals (id int, who int, opened timestamp)",
        "insert into deals select i, i, '2025-01-01' from generate_series(1, 10) i",
    )
    tables = {
        "crm_contacts": "crm.Contacts",
        "crm_deals": "select id as deal_id, who as contact_id, opened::timestamp as created_at, '10%' as lost_reason"
        " from deals where id % 2 = 0;",
    }
    report = land(world, server, **tables)
    assert {table.table: table.landed for table in report.tables} == {"crm_contacts": 12000, "crm_deals": 5}
    assert world.landed("crm_deals", "sql")[0]["lost_reason"] == "10%"
    assert [table.landed for table in land(world, server, **tables).tables] == [0, 0]


def test_nothing_of_the_address_shows_in_any_failure(world: World, server: Server, database: sa.Engine) -> None:
    run(database, "create table customers (email text)", "insert into customers values ('canary@example.com')")
    reasons = [
        land(world, server, shop_customers="no_such_table").reason,
        land(world, server, shop_customers="customers").reason,
        land(world, server, shop_customers="select 1 / 0 as customer_id, email from customers").reason,
        land(world, server, shop_customers="select cast(email as int) as customer_id from customers").reason,
        land(world, server, shop_customers='select email as customer_id, email as "Customer_ID" from customers').reason,
    ]
    wrong = Server(server.port, "wr0ng-secret")
    reasons.append(land(world, wrong, shop_customers="customers").reason)
    gone = Server(1, server.password)
    reasons.append(land(world, gone, shop_customers="customers").reason)
    assert all(reasons) and len(set(reasons)) == 7
    for each in reasons:
        assert not any(secret in each for secret in (server.password, "wr0ng-secret", "canary", "perennial:"))
    assert "cannot be reached" in reasons[-1] and "cannot be reached" in reasons[-2]
    assert "required column customer_id" in reasons[1]


def test_a_failing_table_lands_none_of_the_source(world: World, server: Server, database: sa.Engine) -> None:
    run(database, "create table orders (order_id int, ordered_at timestamp)", "insert into orders values (1, now())")
    report = land(world, server, shop_orders="orders", shop_refunds="missing")
    assert report.is_failed and world.landed("shop_orders", "sql") == []


def test_all_tables_are_read_as_of_one_moment(
    world: World, server: Server, database: sa.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(
        database,
        "create table orders (order_id int, ordered_at timestamp)",
        "create table lines (order_id int, line_id int)",
        "insert into orders values (1, '2025-01-01')",
        "insert into lines values (1, 1)",
    )
    receive = SqlReader._receive

    def receive_then_write(self: SqlReader, load: Any, connection: Any, table: str, wanted: str) -> None:
        receive(self, load, connection, table, wanted)
        run(database, "insert into lines values (2, 1)")

    monkeypatch.setattr(SqlReader, "_receive", receive_then_write)
    report = land(world, server, shop_orders="orders", shop_order_lines="lines")
    assert [table.landed for table in report.tables] == [1, 1]


def test_rows_come_through_a_cursor_on_the_server_a_batch_at_a_time(server: Server, database: sa.Engine) -> None:
    engine = sql.open_engine(server.url(), "SHOP_URL")
    with engine.connect() as connection, sql.stream(connection, "select i from generate_series(1, 3000000) i") as rows:
        assert "ServerCursor" in type(rows.cursor).__name__
        assert len(next(rows.partitions(sql.FETCH_ROWS))) == sql.FETCH_ROWS
    engine.dispose()


def test_a_probe_reads_no_row_and_names_what_is_missing(server: Server, database: sa.Engine, world: World) -> None:
    run(database, "create table orders (order_id int, ordered_at timestamp)")
    env = {"SHOP_URL": server.url()}
    source = world.settings(kind="sql", url_env="SHOP_URL", tables={"shop_orders": "orders"}).sources["shop"]
    assert SqlReader(source).probe(env) == []
    source = world.settings(
        kind="sql", url_env="SHOP_URL", tables={"shop_orders": "select * from nowhere -- comment"}
    ).sources["shop"]
    assert "table shop_orders" in SqlReader(source).probe(env)[0]


@pytest.mark.parametrize(
    "address", ["", "not a url", "nosuchdatabase://h/x", "mysql://u:canary@h/x", "postgresql://h:port/x"]
)
def test_an_address_nobody_can_use_fails_without_being_repeated(world: World, address: str) -> None:
    world.env["SHOP_URL"] = address
    report = world.land(kind="sql", url_env="SHOP_URL", tables={"shop_orders": "orders"})
    assert report.is_failed and "canary" not in str(report.reason) and "SHOP_URL" in str(report.reason)


@pytest.mark.parametrize("password", ["Xp@CANARY", "Xp/CANARY@Q9", "CANARY?Q9", "CANARY#@Q9", "CANARY%40Q9"])
def test_no_part_of_a_password_is_shown_or_stored_when_it_was_not_escaped(world: World, password: str) -> None:
    world.env["CRM"] = f"postgresql://somebody:{password}@127.0.0.1:5/db"
    report = world.land(kind="sql", url_env="CRM", tables={"crm_deals": "deals"})
    source = world.settings(kind="sql", url_env="CRM", tables={"crm_deals": "deals"}).sources["shop"]
    stored = [path.read_text() for path in world.home.landing.rglob("*.json")]
    assert report.is_failed and any("CRM" in each for each in stored)
    for each in [str(report.reason), *SqlReader(source).probe(world.env), *stored]:
        assert not any(part in each for part in ("CANARY", "Q9", "Xp", "somebody"))


def test_a_missing_sqlite_file_is_not_made(world: World, tmp_path: Path) -> None:
    missing = tmp_path / "none.sqlite"
    report = world.land(kind="sql", url=f"sqlite:///{missing}", tables={"shop_orders": "orders"})
    assert "no such SQLite file" in str(report.reason) and not missing.exists()


def test_the_real_orders_equal_what_the_files_source_lands(world: World, sample_data: Path, tmp_path: Path) -> None:
    """Served from a database, 2,000 real orders get the very rows and hashes the export's own file gets."""
    import duckdb

    source = sample_data / "online_retail_2011" / "input" / "shop_orders.parquet"
    with duckdb.connect() as connection:
        connection.execute(
            f"copy (select * from read_parquet('{source}') order by order_id limit 2000)"
            f" to '{world.exports / 'shop_orders.parquet'}' (format parquet)"
        )
        found = connection.execute(f"select * from read_parquet('{world.exports / 'shop_orders.parquet'}')")
        columns = [column[0] for column in found.description]
        rows = [[str(value) if isinstance(value, Decimal) else value for value in row] for row in found.fetchall()]
    database = tmp_path / "shop.sqlite"
    with sqlite3.connect(database) as lite:
        lite.execute(f"create table orders ({', '.join(columns)})")
        lite.executemany(
            f"insert into orders values ({', '.join('?' * len(columns))})",
            [[value if isinstance(value, int | str | None) else str(value) for value in row] for row in rows],
        )
    world.land()
    report = world.land(kind="sql", url=f"sqlite:///{database}", tables={"shop_orders": "orders"})
    assert (report.tables[0].received, report.tables[0].repeated) == (2000, 2000)
