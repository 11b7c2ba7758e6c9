"""Shopify's lists: pages that go wrong, and a store that changes while it is read.

"A page repeated; a page skipped; rows inserted while paging: rows landed = rows held."
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from perennial.sandbox.core import Answer, Asked
from perennial.sandbox.shopify.api import ShopifyApi
from tests.support.vendor import NOW
from tests.unit.sources.vendors.shopify_store import (
    assert_same,
    at,
    bag,
    by_pages,
    checkout,
    customer,
    fill,
    gid,
    landed,
    line,
    order,
    refund,
    refunded,
    store,
)

PAGES = "pageInfo { hasNextPage endCursor }"


def test_a_list_that_ends_too_early_is_walked_by_id_in_every_stream(tmp_path: Path) -> None:
    with store(tmp_path, ShopifyApi(limits=1000, page_depth=40)) as world:
        fill(world, 130)
        world.vendor.seed("orders", [refunded(number, [refund(number)]) for number in range(200, 260)])
        by_pages(world)
        report = world.land_well()
        assert not report.warnings
        assert_same(world)


PAGE_FAULTS = ["page_repeated", "page_skipped", "page_half", "page_empty"]
LISTS = {
    "customers": "customers(",
    "orders": "displayFinancialStatus",
    "refunds": "refundLineItems",
    "checkouts": "abandonedCheckouts(",
}


@pytest.mark.parametrize("fault", PAGE_FAULTS)
@pytest.mark.parametrize("stream", LISTS)
def test_a_page_repeated_skipped_half_or_empty_leaves_rows_landed_equal_to_rows_held(
    tmp_path: Path, fault: str, stream: str
) -> None:
    with store(tmp_path, only=[stream], page_size=10) as world:
        fill(world, 60)
        by_pages(world)
        world.arm(fault, match=LISTS[stream], after=1)
        world.land_well()
        assert fault in {each.fault for each in world.sandbox.journal.of("shopify")}
        assert_same(world)


@pytest.mark.parametrize("fault", PAGE_FAULTS)
def test_a_night_of_changes_survives_a_page_that_goes_wrong(tmp_path: Path, fault: str) -> None:
    with store(tmp_path, only=["orders", "customers"], page_size=10) as world:
        fill(world, 60)
        world.land_well()
        world.vendor.seed("orders", [order(number, at(100 + number)) for number in range(61, 120)])
        world.vendor.seed("customers", [customer(number, at(100 + number)) for number in range(20, 90)])
        world.arm(fault, match="displayFinancialStatus", after=1)
        world.arm(fault, match="defaultEmailAddress", after=2)
        world.land_well()
        assert world.sandbox.faults.left() == 0
        assert_same(world)


class Busy(ShopifyApi):
    """A store that changes after every so many pages of a list."""

    name = "shopify"

    def __init__(self, sign: str, change: Callable[[ShopifyApi, int], None], **options: object) -> None:
        super().__init__(limits=1000, **options)  # type: ignore[arg-type]
        self.sign, self.change, self.pages = sign, change, 0

    def handle(self, asked: Asked) -> Answer:
        answer = super().handle(asked)
        if self.sign in asked.body.decode() and PAGES in asked.body.decode():
            self.pages += 1
            self.change(self, self.pages)
        return answer


def test_rows_inserted_while_paging_are_landed_the_same_night(tmp_path: Path) -> None:
    def change(api: ShopifyApi, page: int) -> None:
        if page <= 5:
            api.seed("orders", [order(1000 + page, at(1000 + page))])

    with store(tmp_path, Busy("displayFinancialStatus", change), only=["orders"], page_size=10) as world:
        fill(world, 60)
        by_pages(world)
        world.land_well()
        assert_same(world)
        assert len(landed(world)["orders"]) == 65


def test_rows_that_show_up_late_behind_the_place_that_was_reached_are_landed_the_next_night(tmp_path: Path) -> None:
    """A list is an index that may lag: the overlap is there for that."""

    def change(api: ShopifyApi, page: int) -> None:
        if page == 8:
            api.seed("orders", [order(1000, before(8))])

    with store(tmp_path, Busy("displayFinancialStatus", change), only=["orders"], page_size=10) as world:
        fill(world, 60)
        world.vendor.seed("orders", [order(number, before(7 - number % 5)) for number in range(61, 90)])
        by_pages(world)
        world.land_well()
        assert "1000" not in landed(world)["orders"]
        world.land_well()
        assert_same(world)


def before(minutes: int) -> str:
    """So many minutes before the first night."""
    return (NOW + timedelta(hours=1, minutes=-minutes)).isoformat(timespec="seconds")


def test_rows_changed_while_paging_are_landed_in_their_new_version_with_its_lines_alone(tmp_path: Path) -> None:
    def change(api: ShopifyApi, page: int) -> None:
        if page == 2:  # one line goes, one stays in another quantity, one comes
            lines = [line(3001, 7), line(3009, 1)]
            api.seed("orders", [{**order(3, at(500)), "lineItems": lines}])

    with store(tmp_path, Busy("displayFinancialStatus", change), only=["orders"], page_size=10) as world:
        fill(world, 60)
        by_pages(world)
        world.land_well()
        assert_same(world)
        assert {key for key in landed(world)["order_lines"] if key[0] == "3"} == {("3", "3001"), ("3", "3009")}


def test_lines_that_did_not_fit_on_the_page_follow_the_version_of_their_order(tmp_path: Path) -> None:
    def change(api: ShopifyApi, page: int) -> None:
        if page == 2:
            api.seed("orders", [order(3, at(500), lines=12)])

    with store(tmp_path, Busy("displayFinancialStatus", change), only=["orders"], page_size=10) as world:
        fill(world, 60)
        world.vendor.seed("orders", [order(3, at(3), lines=25)])
        by_pages(world)
        world.land_well()
        assert_same(world)


def test_a_checkout_changed_behind_the_place_that_was_reached_is_found_the_next_night(tmp_path: Path) -> None:
    """Checkouts are walked by id: the state must not pass what changed while they were."""

    def change(api: ShopifyApi, page: int) -> None:
        if page == 2:
            api.seed("abandonedCheckouts", [checkout(3, before(-30), totalPriceSet=bag("1.00"))])
            api.seed("abandonedCheckouts", [checkout(number, before(-55)) for number in range(900, 930)])

    with store(tmp_path, Busy("abandonedCheckouts(", change), only=["checkouts"], page_size=10) as world:
        fill(world, 60)
        world.land_well()
        world.land_well()
        assert_same(world)


def test_an_order_deleted_between_its_page_and_its_further_lines_stops_nothing(tmp_path: Path) -> None:
    def change(api: ShopifyApi, page: int) -> None:
        api.seed("orders", [{"id": gid("Order", 3), "__deleted": True}])

    with store(tmp_path, Busy("displayFinancialStatus", change), only=["orders"]) as world:
        world.vendor.seed("orders", [order(1), order(2), order(3, lines=25)])
        by_pages(world)
        world.land_well()
        assert set(landed(world)["orders"]) == {"1", "2", "3"}


class Selling(ShopifyApi):
    """A store that takes ten orders after each of the first four pages of orders."""

    name = "shopify"
    is_open = False
    taken = 0

    def handle(self, asked: Asked) -> Answer:
        answer = super().handle(asked)
        if self.is_open and b"displayFinancialStatus" in asked.body and self.taken < 40:
            self.taken += 10
            self.seed("orders", [order(1000 + self.taken + each, at(20_000 + self.taken + each)) for each in range(10)])
        return answer


def test_a_page_left_out_is_noticed_though_as_many_orders_came_in_meanwhile(tmp_path: Path) -> None:
    api = Selling(limits=1000)
    with store(tmp_path, api, only=["orders"]) as world:
        api.seed("orders", [order(number) for number in range(1, 31)])
        world.land_well()
        api.seed("orders", [order(number, at(10_000 + number)) for number in range(100, 200)])
        api.is_open = True
        world.arm("page_skipped", match="displayFinancialStatus", after=1)
        world.land_well()
        assert_same(world)
