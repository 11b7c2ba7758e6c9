"""Shopify over HTTP: a full load, an incremental night, a backfill.

"For each connector: a full load, an incremental night, a backfill … against the sandbox give exactly the rows the
sandbox holds (its journal agrees), with 0 duplicates."
"""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

from perennial.sources.base import Window
from tests.support.vendor import VendorWorld
from tests.unit.sources.vendors.shopify_store import (
    BEGINNING,
    assert_same,
    at,
    checkout,
    customer,
    fill,
    landed,
    order,
    product,
    refund,
    refunded,
    store,
    told,
)


def handed_over(world: VendorWorld, collection: str, start: int = 0) -> Counter[str]:
    """How often each record of a collection was handed over, by the sandbox's journal."""
    kinds = {
        "orders": "Order",
        "customers": "Customer",
        "products": "Product",
        "abandonedCheckouts": "AbandonedCheckout",
    }
    prefix = f"gid://shopify/{kinds[collection]}/"
    entries = world.sandbox.journal.of("shopify")[start:]
    return Counter(each for entry in entries for each in entry.ids if each.startswith(prefix))


def test_a_full_load_lands_exactly_the_rows_held_and_the_journal_agrees(tmp_path: Path) -> None:
    with store(tmp_path) as world:
        fill(world, 60)
        report = world.land_well()
        assert_same(world)
        assert handed_over(world, "products") == Counter(list(world.vendor.held()["products"]))
        # customers twice: once for the list of those who are left
        assert handed_over(world, "customers") == Counter(2 * list(world.vendor.held()["customers"]))
        # orders twice where they hold refunds, and once more by the second walk over refunds
        assert set(handed_over(world, "orders")) == set(world.vendor.held()["orders"])
        assert report.traffic["calls"] == world.calls()
        assert not report.warnings


def test_an_empty_store_is_landed_as_empty_tables(tmp_path: Path) -> None:
    with store(tmp_path) as world:
        report = world.land_well()
        wanted = dict.fromkeys([*told(world.vendor.held()), "customer_ids"], 0)
        assert {each.table: each.received for each in report.tables} == wanted


def test_an_incremental_night_reads_what_changed_and_lands_nothing_twice(tmp_path: Path) -> None:
    with store(tmp_path) as world:
        fill(world, 300)
        world.land_well()
        calls = world.calls()
        world.vendor.seed("customers", [customer(3, at(400), firstName="Changed"), customer(301, at(401))])
        world.vendor.seed("orders", [order(4, at(402), lines=1), order(302, at(403))])
        world.vendor.seed("orders", [refunded(10, [refund(10), refund(1010)], at(404))])
        world.vendor.seed("products", [product(5, at(405), title="Other")])
        world.vendor.seed("abandonedCheckouts", [checkout(6, at(406), completedAt=at(406)), checkout(303, at(407))])
        report = world.land_well()
        assert_same(world)
        landed_counts = {each.table: each.landed for each in report.tables}
        assert (landed_counts["customers"], landed_counts["products"], landed_counts["orders"]) == (2, 1, 3)
        assert landed_counts["checkouts"] == 2
        assert sum(handed_over(world, "products", calls).values()) < 30, "a night reads what changed, not everything"


def test_a_night_without_changes_lands_no_row(tmp_path: Path) -> None:
    with store(tmp_path) as world:
        fill(world, 40)
        world.land_well()
        report = world.land_well()
        assert {each.landed for each in report.tables} == {0}
        assert_same(world)


def test_a_backfill_reads_its_days_again_and_moves_no_state(tmp_path: Path) -> None:
    with store(tmp_path) as world:
        fill(world, 30)
        state = world.land_well().state
        # a mistake of the past: a row that the store holds and this home never saw
        world.vendor.seed("customers", [customer(900, at(10))])
        window = Window(BEGINNING, BEGINNING + timedelta(minutes=20), "backfill")
        calls = world.calls()
        report = world.land_well(window=window)
        marks = {name: each.get("watermark") for name, each in report.state["streams"].items()}
        assert marks == {name: each.get("watermark") for name, each in state["streams"].items()}
        assert "900" in landed(world)["customers"]
        asked = [entry.body for entry in world.sandbox.journal.of("shopify")[calls:]]
        assert all("updated_at:<'2026-01-01T00:20:00Z'" in body for body in asked if "UPDATED_AT" in body)
        assert max(handed_over(world, "customers", calls).values()) == 1
        assert_same(world)


def test_a_backfill_beside_a_newer_version_changes_nothing(tmp_path: Path) -> None:
    with store(tmp_path) as world:
        fill(world, 30)
        world.land_well()
        whole = Window(datetime(2025, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC), "backfill")
        report = world.land_well(window=whole)
        assert {each.landed for each in report.tables} == {0}
        assert_same(world)


def test_the_first_load_begins_where_since_says(tmp_path: Path) -> None:
    with store(tmp_path, since="2026-01-02") as world:
        world.vendor.seed("customers", [customer(1, at(0)), customer(2, at(2000))])
        world.land_well()
        assert set(landed(world)["customers"]) == {"2"}
