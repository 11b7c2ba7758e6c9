"""A gift shop's real year through the whole pipeline, against figures that somebody else computed.

What lives here: the same figures from every way of delivering the same data. What does not: the figures (they lie in the
sample data's truth folder) and how they are compared (tests/support/online_retail.py).
"""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import duckdb
import pytest

from perennial.config.home import Home
from tests.support.installation import write_config
from tests.support.nights import build_only, fingerprints, land_only, run_night, unequal
from tests.support.online_retail import differences
from tests.support.slicing import AS_OF, UTC, monthly

# a country has no history; order lines bear no time, so those of later orders are counted as landed
NOT_COMPARED = ["country", "rows_count"]
TABLES = ("shop_customers", "shop_orders", "shop_order_lines", "shop_refunds")


@pytest.fixture(scope="module")
def retail(sample_data: Path) -> Path:
    return sample_data / "online_retail_2011"


def _config(retail: Path, home: Home) -> Path:
    return write_config(
        home.root.parent / "config",
        UTC | {
            "sources": {"shop": {"kind": "files", "path": str(retail / "input")}},
            "destinations": {"print_house": {"kind": "files", "path": "outbox/", "audiences": "all"}},
        },
    )  # fmt: skip


def test_a_night_publishes_the_figures_that_were_computed_elsewhere(retail: Path, night_home: Home) -> None:
    status, said = run_night(night_home, _config(retail, night_home), AS_OF)
    assert status == 0, said
    assert differences(night_home.published / "perennial.duckdb", retail / "truth") == []


@pytest.mark.slow
def test_delivered_twice_with_the_warehouse_lost_between_the_same_figures_and_ids_are_built(
    retail: Path, night_home: Home
) -> None:
    published = night_home.published / "perennial.duckdb"
    status, said = run_night(night_home, _config(retail, night_home), AS_OF)
    assert status == 0, said
    assert differences(published, retail / "truth") == []
    before, landed = fingerprints(published), sorted((night_home.landing / "files").rglob("*.parquet"))
    shutil.rmtree(night_home.warehouse)
    night_home.prepare()
    land_only(night_home, {"shop": {"kind": "files", "path": str(retail / "input")}}, UTC)
    again = fingerprints(build_only(night_home, AS_OF))
    assert unequal(before, {table: again[table] for table in before}) == []  # customer ids among them
    assert sorted((night_home.landing / "files").rglob("*.parquet")) == landed  # not a row was landed again


@pytest.mark.slow
def test_twelve_overlapping_slices_in_shuffled_parts_give_the_same_figures(
    retail: Path, night_home: Home, tmp_path: Path
) -> None:
    folders = list(monthly(retail, tmp_path))
    random.Random(11).shuffle(folders)
    for folder in folders:
        land_only(night_home, {"shop": {"kind": "files", "path": str(folder)}}, UTC)
    assert differences(build_only(night_home, AS_OF), retail / "truth") == []


@pytest.mark.slow
def test_a_run_as_of_an_earlier_day_equals_one_over_the_rows_of_that_time(
    retail: Path, night_home: Home, tmp_path: Path
) -> None:
    early = "2011-06-01"
    land_only(night_home, {"shop": {"kind": "files", "path": str(retail / "input")}}, UTC)
    whole = fingerprints(build_only(night_home, early), without=NOT_COMPARED)
    assert whole["customer.orders"][0] > 8000
    times = dict(zip(TABLES, ("created_at", "ordered_at", "", "refunded_at"), strict=True))
    with duckdb.connect() as con:
        for table, time in times.items():
            kept = (
                f"{time} < timestamp '{early}'" if time
                else f"order_id in (select order_id from '{retail}/input/shop_orders.parquet' where ordered_at < timestamp '{early}')"
            )  # fmt: skip
            target = tmp_path / f"{table}.parquet"
            con.execute(f"copy (select * from '{retail}/input/{table}.parquet' where {kept}) to '{target}'")
    forget_landing(night_home)
    land_only(night_home, {"shop": {"kind": "files", "path": str(tmp_path)}}, UTC)
    filtered = fingerprints(build_only(night_home, early), without=NOT_COMPARED)
    assert unequal(whole, filtered) == []


def forget_landing(home: Home) -> None:
    shutil.rmtree(home.landing)
    home.prepare()
