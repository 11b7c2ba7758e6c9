"""Shopify's lists where there is much: many records of one time, and orders with more than fits on a page.

"25,001 records with one updated time: rows landed = rows held."
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from perennial.sandbox.core import Answer, Asked
from perennial.sandbox.shopify.api import ShopifyApi
from tests.support.vendor import VendorWorld
from tests.unit.sources.vendors.shopify_store import (
    assert_same,
    at,
    by_pages,
    checkout,
    customer,
    fill,
    landed,
    order,
    refund,
    refunded,
    store,
)

MANY = 25_001
ONE_TIME = at(7)


def landed_ids(world: VendorWorld, table: str, key: str) -> tuple[int, int]:
    """Rows in force of a table, and how many different ids."""
    text = f"select count(*) as rows, count(distinct {key}) as ids from {world.files(table)} where not is_superseded"
    found = world.query(text)[0]
    return int(found["rows"]), int(found["ids"])


def test_25_001_orders_with_one_updated_time_through_bulk_are_landed_once_each(tmp_path: Path) -> None:
    with store(tmp_path, only=["orders"]) as world:
        world.vendor.seed("orders", [order(number, ONE_TIME, lines=0) for number in range(1, MANY + 1)])
        world.land_well()
        assert landed_ids(world, "orders", "order_id") == (MANY, MANY)


@pytest.mark.slow
def test_25_001_orders_with_one_updated_time_through_pages_are_landed_once_each(tmp_path: Path) -> None:
    with store(tmp_path, ShopifyApi(limits=100_000), only=["orders"]) as world:
        world.vendor.seed("orders", [order(number, ONE_TIME, lines=0) for number in range(1, MANY + 1)])
        by_pages(world)
        world.land_well()
        assert landed_ids(world, "orders", "order_id") == (MANY, MANY)


def test_1_001_records_with_one_updated_time_in_a_list_that_ends_are_landed_once_each(
    tmp_path: Path,
) -> None:
    with store(tmp_path, ShopifyApi(limits=100_000, page_depth=1_000), only=["customers"]) as world:
        world.vendor.seed("customers", [customer(number, ONE_TIME) for number in range(1, 1_002)])
        by_pages(world)
        world.land_well()
        assert landed_ids(world, "customers", "customer_id") == (1_001, 1_001)


@pytest.mark.parametrize("count", [10, 11, 61, 173])
def test_an_order_with_more_lines_than_a_page_shows_is_landed_with_all(tmp_path: Path, count: int) -> None:
    with store(tmp_path, only=["orders", "checkouts"]) as world:
        fill(world, 5)
        world.land_well()
        world.vendor.seed("orders", [order(3, at(500), lines=count), order(4, at(501), lines=count)])
        world.vendor.seed("abandonedCheckouts", [checkout(3, at(502), lines=count + 20)])
        world.land_well()
        assert_same(world)


@pytest.mark.parametrize("count", [4, 5, 6, 23])
def test_an_order_with_more_refunds_than_a_page_shows_is_landed_with_all(tmp_path: Path, count: int) -> None:
    with store(tmp_path, only=["refunds"]) as world:
        several = [refund(100 + number, lines=number % 3) for number in range(count)]
        world.vendor.seed("orders", [refunded(1, several), refunded(2, [refund(1)])])
        world.land_well()
        assert len(landed(world)["refunds"]) == count + 1
        assert_same(world)


@pytest.mark.parametrize("count", [10, 11, 100, 111, 250])
def test_a_refund_with_more_lines_than_a_page_shows_counts_every_one(tmp_path: Path, count: int) -> None:
    with store(tmp_path, only=["refunds"]) as world:
        several = [refund(1, lines=count), refund(2, lines=3), refund(3, lines=count + 7), refund(4, lines=0)]
        world.vendor.seed("orders", [refunded(1, several), refunded(2, [refund(9)])])
        world.land_well()
        assert_same(world)


def test_a_page_too_dear_is_asked_for_in_halves(tmp_path: Path) -> None:
    class Dear(ShopifyApi):
        """Counts every order thirty times."""

        def handle(self, asked: Asked) -> Answer:
            body = json.loads(asked.body) if asked.body else {}
            if "displayFinancialStatus" in body.get("query", "") and body["variables"].get("n", 0) > 5:
                error = {"message": "Query cost is 1200", "extensions": {"code": "MAX_COST_EXCEEDED"}}
                return Answer(200, {"errors": [error]})
            return super().handle(asked)

    with store(tmp_path, Dear(limits=1000), only=["orders"]) as world:
        fill(world, 30)
        by_pages(world)
        world.land_well()
        assert_same(world)
        asked = [json.loads(each.body)["variables"] for each in world.sandbox.journal.of("shopify")
                 if "displayFinancialStatus" in each.body and "pageInfo" in each.body]  # fmt: skip
        assert [each["n"] for each in asked if "n" in each][:4] == [20, 10, 5, 5]
