"""A tiny finished build to publish: three schemas, one of them private, every row marked with its run."""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime
from pathlib import Path

from perennial.config.failpoints import Failpoints
from perennial.config.home import Home
from perennial.warehouse.build import BuildRecord, new_snapshot_id
from perennial.warehouse.certificate import AudienceVerdict, Certificate, Checks
from perennial.warehouse.duck import connect
from perennial.warehouse.snapshot import publish

PASSED = {"win_back": AudienceVerdict(True)}


def build(home: Home, run: str, customers: int = 5) -> None:
    """warehouse/build.duckdb as dbt would leave it: tables, a view, private schemas, an id journal to append."""
    home.warehouse.mkdir(parents=True, exist_ok=True)
    with connect(home.build_file) as connection:
        for schema in ("staging", "identity", "customer", "kpis", "audiences", "publish"):
            connection.execute(f"create schema if not exists {schema}")
        connection.execute(
            "create or replace table customer.customers as"
            f" select 'c' || i as customer_id, 1.5::decimal(18,4) as revenue_amount, '{run}' as run from range({customers}) t(i)"
        )
        connection.execute("create or replace view customer.customers_masked as select customer_id, run from customer.customers")
        connection.execute(f"create or replace table kpis.kpi_values as select 'aov' as kpi, '{run}' as run")
        connection.execute("create or replace table audiences.win_back as select customer_id from customer.customers")
        connection.execute("create or replace view staging.stg_private as select 1 as one")
        connection.execute(
            "create or replace table publish.source_status as select 'shop' as source_name, 'shop_orders' as table_name,"
            " timestamp '2026-01-01 10:00:00' as watermark_at, false as is_stale"
        )
        connection.execute(
            "create or replace table identity.identity_map as select 'shop' as source_name, 'shop_customer' as record_type,"
            f" '{run}-' || i as record_id, 'c' || i as customer_id, i < 2 as is_new from range({customers}) t(i)"
        )


def record(home: Home, as_of: datetime | None = None) -> BuildRecord:
    now = datetime.now(UTC)
    return BuildRecord(new_snapshot_id(home, now), as_of or now, now, "inputs", {"customers": "abc"}, Checks(12, ("late",)))


def night(home: Home, run: str, **options: object) -> Certificate:
    """One build and its publishing."""
    build(home, run)
    return publish(home, record(home), PASSED, **options)  # type: ignore[arg-type]


def main() -> None:
    """`python -m tests.unit.warehouse.world HOME RUN`: a night that a failpoint may kill."""
    night(Home(Path(sys.argv[1])), sys.argv[2], failpoint=Failpoints.from_env(os.environ))


if __name__ == "__main__":
    main()
