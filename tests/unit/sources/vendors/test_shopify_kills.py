"""Shopify, and a kill -9 at every place: the next run goes on from there.

"A kill -9 resume against the sandbox gives exactly the rows the sandbox holds (its journal agrees), with 0 duplicates."
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from perennial.sandbox.shopify.api import ShopifyApi
from tests.unit.sources.vendors.shopify_store import assert_same, at, fill, order, store

# Bulk operations leave a note when they begin; a page of each stream follows.
PLACES = [
    "page_fetched:1:kill9", "page_fetched:3:kill9", "page_fetched:6:kill9", "page_fetched:9:kill9",
    "page_fetched:11:kill9", "pages_noted:1:kill9", "pages_noted:2:kill9", "pages_noted:5:kill9",
    "pages_noted:7:kill9", "pages_noted:8:kill9", "load_staged:1:kill9", "load_staged:6:kill9",
    "load_committed:1:kill9", "load_moving:3:kill9",
]  # fmt: skip


# what only the queries of a stream say; to count it is no fetching
SIGNS = {
    "customers": ["marketingOptInLevel"],
    "customer_ids": ["{ customers { edges { node { id } } } }", "sortKey: ID) { edges { node { id } }"],
    "products": ["products("],
    "orders": ["displayFinancialStatus"],
    "refunds": ["refundLineItems"],
    "checkouts": ["abandonedCheckouts("],
}


@pytest.mark.parametrize("place", PLACES)
def test_after_a_kill_9_the_next_run_goes_on_and_lands_every_row_once(tmp_path: Path, place: str) -> None:
    with store(tmp_path, ShopifyApi(limits=1000, bulk_polls=1)) as world:
        fill(world, 45)
        assert world.land_killed(place) == -9
        noted = {
            path.stem: json.loads(path.read_text())
            for path in (world.home.incoming / "_extracting.store").glob("*.json")
            if path.stem != "plan"
        }
        before = world.calls()
        world.land_well()
        assert_same(world)
        asked = "\n".join(entry.body for entry in world.sandbox.journal.of("shopify")[before:])
        for name, progress in noted.items():
            if progress["is_done"] and not place.startswith(("load_committed", "load_moving")):
                assert not [each for each in SIGNS[name] if each in asked], f"{name} was fetched whole and is asked for"
            if (progress["cursor"] or {}).get("bulk"):
                started = [each for each in world.sandbox.journal.of("shopify") if "bulkOperationRunQuery" in each.body]
                of_it = [each for each in started if f"{{ {name}" in json.loads(each.body)["variables"]["query"]]
                assert len(of_it) == 1, f"{name}: a second bulk operation was started"


@pytest.mark.parametrize("place", ["page_fetched:2:kill9", "pages_noted:1:kill9", "load_staged:1:kill9"])
def test_an_incremental_night_survives_a_kill_9(tmp_path: Path, place: str) -> None:
    with store(tmp_path) as world:
        fill(world, 45)
        world.land_well()
        world.vendor.seed("orders", [order(number, at(500 + number)) for number in range(46, 61)])
        assert world.land_killed(place) == -9
        world.vendor.seed("orders", [order(70, at(600))])
        world.land_well()
        assert_same(world)
