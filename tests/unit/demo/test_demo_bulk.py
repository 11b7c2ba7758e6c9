"""Bulk data for benchmarks: right sizes, sums that agree, a skew, the same rows for the same seed."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest

from perennial.config.contract import TABLES
from perennial.demo import bulk
from perennial.demo.bulk import write_bulk


def fetch(folder: Path, sql: str) -> tuple:
    with duckdb.connect() as connection:
        for path in folder.glob("*.parquet"):
            connection.execute(f"create view {path.stem} as select * from read_parquet('{path}')")
        row = connection.execute(sql).fetchone()
        assert row is not None
        return row


def test_bulk_tables_have_the_asked_sizes_and_an_orders_amounts_are_its_lines_sums(tmp_path: Path) -> None:
    rows = write_bulk(tmp_path, customers=2_000, orders_per_customer=5, seed=1)
    assert rows["shop_customers"] == 2_000 and rows["shop_orders"] == 10_000
    assert 2.0 < rows["shop_order_lines"] / 10_000 < 2.4
    assert 0.04 < rows["shop_refunds"] / 10_000 < 0.06
    wrong = """
        select count(*) from shop_orders
        left join (select order_id, sum(quantity * unit_price_amount) as goods, sum(discount_amount) as off
                   from shop_order_lines group by order_id) using (order_id)
        where goods is distinct from subtotal_amount or off is distinct from discount_amount
    """
    assert fetch(tmp_path, wrong) == (0,)
    for table in rows:
        names = pq.read_schema(tmp_path / f"{table}.parquet").names
        assert set(names) <= set(TABLES[table].column_names)
        key = ", ".join(TABLES[table].key)
        assert fetch(tmp_path, f"select count(*) - count(distinct ({key})) from {table}") == (0,)


def test_a_few_bulk_customers_buy_far_more_than_the_rest(tmp_path: Path) -> None:
    write_bulk(tmp_path, customers=2_000, orders_per_customer=10, seed=1)
    per_customer = "(select count(*) as n from shop_orders group by customer_id)"
    most, middle = fetch(tmp_path, f"select max(n), median(n) from {per_customer}")
    assert most > 20 * middle
    unknown = "select count(*) from shop_orders where customer_id not in (select customer_id from shop_customers)"
    assert fetch(tmp_path, unknown) == (0,)


def test_bulk_rows_depend_on_the_seed_and_not_on_the_chunk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_bulk(tmp_path / "whole", customers=500, seed=1)
    monkeypatch.setattr(bulk, "CHUNK", 700)
    write_bulk(tmp_path / "chunked", customers=500, seed=1)
    write_bulk(tmp_path / "other", customers=500, seed=2)
    named = ("shop_customers", "shop_orders", "shop_order_lines", "shop_refunds", "messages")
    for name in named:
        whole, chunked, other = (pq.read_table(tmp_path / f / f"{name}.parquet") for f in ("whole", "chunked", "other"))
        assert whole.equals(chunked)
        assert not whole.equals(other)


def test_bulk_messages_reach_customers_and_come_back_at_the_asked_rate(tmp_path: Path) -> None:
    rows = write_bulk(tmp_path, customers=2_000, orders_per_customer=1, seed=1, events_per_customer=15)
    assert 0.98 < rows["message_events"] / 30_000 < 1.02
    strangers = "select count(*) from messages where contact_ref not in (select email from shop_customers)"
    assert fetch(tmp_path, strangers) == (0,)
    delivered, opened, by_machines, clicked, unsubscribed = fetch(
        tmp_path,
        "select count(*) filter (event_type = 'delivered'), count(*) filter (event_type = 'opened'),"
        " count(*) filter (is_machine), count(*) filter (event_type = 'clicked'),"
        " count(*) filter (event_type = 'unsubscribed') from message_events",
    )
    assert delivered == rows["messages"]
    assert opened / delivered == pytest.approx(bulk.OPENED_SHARE, abs=0.01)
    assert by_machines / delivered == pytest.approx(bulk.MACHINE_SHARE, abs=0.01)
    assert clicked / delivered == pytest.approx(bulk.CLICKED_SHARE, abs=0.01)
    assert unsubscribed / delivered == pytest.approx(bulk.UNSUBSCRIBED_SHARE, abs=0.001)
    early = """
        select count(*) from message_events join messages using (message_id)
        where occurred_at <= sent_at or occurred_at >= timestamp '2026-11-01'
    """
    assert fetch(tmp_path, early) == (0,)
