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

OUTPUTS = (
    "audiences.win_back", "customer.customers", "customer.customers_masked", "kpis.kpi_values", "publish.source_status",
)  # fmt: skip
PASSED = {"win_back": AudienceVerdict(True)}


_BUILD = """
begin;
create schema if not exists staging;
create schema if not exists identity;
create schema if not exists customer;
create schema if not exists kpis;
create schema if not exists audiences;
create schema if not exists publish;
create or replace table customer.customers as
    select 'c' || i as customer_id, 1.5::decimal(18,4) as revenue_amount, '{run}' as run from range(5) t(i);
create or replace view customer.customers_masked as select customer_id, run from customer.customers;
create or replace table kpis.kpi_values as select 'aov' as kpi, '{run}' as run;
create or replace table audiences.win_back as select customer_id from customer.customers;
create or replace view staging.stg_private as select 1 as one;
create or replace table publish.source_status as
    select 'shop' as source_name, 'shop_orders' as table_name, timestamp '2026-01-01 10:00:00' as watermark_at,
        false as is_stale;
create or replace table identity.identity_map as
    select 'shop' as source_name, 'shop_customer' as record_type, '{run}-' || i as record_id, 'c' || i as customer_id,
        i < 2 as is_new, case i when 1 then 'c9' end as previous_customer_id
    from range(5) t(i);
create or replace table identity.identity_moves as
    select 'c9' as previous_customer_id, 'c1' as customer_id, 'merge' as action, 'same_email: a and b' as cause;
create or replace table identity.hold_changes as
    select 'r1' as review_id, 'hold' as action, 'bridge' as reason, 'same_phone' as rule, 'c1' as customer_id,
        'c2' as other_customer_id;
commit;
"""


def build(home: Home, run: str) -> None:
    """warehouse/build.duckdb as dbt would leave it: tables, a view, private schemas, an id journal to append."""
    home.warehouse.mkdir(parents=True, exist_ok=True)
    with connect(home.build_file) as connection:
        connection.execute(_BUILD.format(run=run))


def record(home: Home, as_of: datetime | None = None) -> BuildRecord:
    now = datetime.now(UTC)
    return BuildRecord(
        new_snapshot_id(home, now), as_of or now, now, "inputs", {"customers": "abc"}, Checks(12, ("late",)), OUTPUTS
    )


def night(home: Home, run: str, **options: object) -> Certificate:
    """One build and its publishing."""
    build(home, run)
    return publish(home, record(home), PASSED, **options)  # type: ignore[arg-type]


def main() -> None:
    """`python -m tests.unit.warehouse.world HOME RUN`: a night that a failpoint may kill."""
    night(Home(Path(sys.argv[1])), sys.argv[2], failpoint=Failpoints.from_env(os.environ))


if __name__ == "__main__":
    main()
