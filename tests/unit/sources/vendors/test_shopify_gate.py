"""The volume gate and the mark of a person who looked, through Shopify and HTTP.

"A source that answers 200 with a half-empty or empty body trips a volume gate."
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from perennial.config.files import write_atomically
from perennial.sandbox.core import Answer, Asked
from perennial.sandbox.shopify.api import ShopifyApi
from tests.support.vendor import VendorWorld
from tests.unit.sources.vendors.shopify_store import (
    assert_same,
    at,
    customer,
    fill,
    gid,
    landed,
    order,
    store,
)

COUNTED = {"orders": "displayFinancialStatus", "customers": "defaultEmailAddress", "checkouts": "abandonedCheckouts("}


@pytest.mark.parametrize("fault", ["page_empty", "page_half"])
@pytest.mark.parametrize("stream", COUNTED)
def test_a_200_with_a_half_empty_or_empty_body_trips_the_gate_and_lands_nothing(
    tmp_path: Path, stream: str, fault: str
) -> None:
    with store(tmp_path, only=[stream]) as world:
        fill(world, 60)
        state = world.land_well().state
        before = landed(world)
        world.vendor.seed("customers", [customer(61, at(500))])
        world.vendor.seed("orders", [order(61, at(500))])
        world.arm(fault, match=COUNTED[stream], times=1000)
        report = world.land()
        assert report.is_gated
        assert stream in str(report.reason)
        assert "perennial source accept store" in str(report.reason)
        assert landed(world) == before
        world.sandbox.faults.disarm()
        report = world.land_well()
        assert report.state["streams"][stream]["watermark"] >= state["streams"][stream]["watermark"]
        assert_same(world)


@pytest.mark.parametrize("fault", ["page_empty", "page_half"])
def test_refunds_that_nobody_counts_are_missed_all_the_same(tmp_path: Path, fault: str) -> None:
    with store(tmp_path, only=["refunds"]) as world:
        fill(world, 120)
        world.land_well()
        world.arm(fault, match="refunds", times=1000)
        report = world.land()
        assert report.is_gated
        assert "refunds" in str(report.reason)
        world.sandbox.faults.disarm()
        world.land_well()
        assert_same(world)


def test_a_store_that_counts_nothing_and_shows_nothing_trips_the_gate(tmp_path: Path) -> None:
    """Somebody emptied it, or it is another store: both numbers agree, and what is held does not come again."""
    with store(tmp_path) as world:
        fill(world, 60)
        world.land_well()
        for collection in ("customers", "orders", "products", "abandonedCheckouts"):
            held = list(world.vendor.held()[collection])
            world.vendor.seed(collection, [{"id": each, "__deleted": True} for each in held])
        report = world.land()
        assert report.is_gated
        assert "customer_ids: of 60" in str(report.reason)


def shrink(world: VendorWorld) -> None:
    """Half of the newest customers are gone for good, and one more came."""
    gone = [{"id": gid("Customer", number), "__deleted": True} for number in range(41, 61, 2)]
    world.vendor.seed("customers", gone)
    world.vendor.seed("customers", [customer(70, at(500))])


def accept(world: VendorWorld) -> Path:
    """What `perennial source accept store` does."""
    mark = world.home.accepted("store")
    mark.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(mark, "2026-03-01T00:00:00+00:00\n")
    return mark


def test_a_store_that_has_shrunk_is_held_back_until_somebody_looked_and_then_passes_once(tmp_path: Path) -> None:
    with store(tmp_path, only=["customers", "checkouts"]) as world:
        fill(world, 60)
        world.land_well()
        shrink(world)
        assert world.land().is_gated
        assert world.land().is_gated, "it stays so however often it is tried"
        mark = accept(world)
        report = world.land_well()
        assert any("accepted" in each for each in report.warnings)
        assert "70" in landed(world)["customers"]
        assert not mark.exists()
        world.arm("page_empty", match="defaultEmailAddress", times=1000)
        assert world.land().is_gated, "the mark was good for one load"


def test_what_was_accepted_as_gone_is_not_looked_for_again_and_what_is_there_still_is(tmp_path: Path) -> None:
    """Shopify lists no deleted orders: without a memory every night after the accepted one would be held again."""
    with store(tmp_path, only=["orders"]) as world:
        world.vendor.seed("orders", [order(number) for number in range(1, 61)])
        world.land_well()
        gone = [dict(world.vendor.held()["orders"][gid("Order", number)]) for number in range(50, 58)]
        world.vendor.seed("orders", [{"id": each["id"], "__deleted": True} for each in gone])
        assert world.land().is_gated
        accept(world)
        world.land_well()
        for _ in range(2):
            report = world.land_well()
            assert report.state["streams"]["orders"]["gone"] == [str(number) for number in range(50, 58)]
        world.arm("page_half", match="displayFinancialStatus", times=1000)
        world.arm("page_half", match="ordersCount", times=1000)
        assert world.land().is_gated, "the others have to come as before"
        world.sandbox.faults.disarm()
        world.vendor.seed("orders", gone[:3])
        assert len(world.land_well().state["streams"]["orders"]["gone"]) == 5, "what came back has to come again"


def test_customers_whom_the_list_of_ids_lacks_are_not_missed(tmp_path: Path) -> None:
    """Spam accounts are deleted by the dozen, the newest ones: their deletion is known, and nobody has to look."""
    with store(tmp_path, only=["customers", "customer_ids"]) as world:
        fill(world, 60)
        world.land_well()
        gone = [{"id": gid("Customer", number), "__deleted": True} for number in range(50, 58)]
        world.vendor.seed("customers", gone)
        world.land_well()
        assert_same(world)


def test_a_mark_is_kept_while_the_source_fails_for_another_reason(tmp_path: Path) -> None:
    with store(tmp_path, only=["customers", "checkouts"]) as world:
        fill(world, 60)
        world.land_well()
        shrink(world)
        mark = accept(world)
        world.arm("status", status=404, match="abandonedCheckouts(")
        assert world.land().reason
        assert mark.exists()
        world.land_well()
        assert not mark.exists()


def test_what_a_count_names_and_no_reading_brings_is_asked_for_again_the_next_nights(tmp_path: Path) -> None:
    """Fewer than the gate minds: reported, and the place to go on from does not move past it."""

    class Hiding(ShopifyApi):
        name = "shopify"
        hidden: str | None = gid("Customer", 65)

        def handle(self, asked: Asked) -> Answer:
            answer = super().handle(asked)
            if self.hidden and b"customers(first" in asked.body:
                content: Any = json.loads(answer.body())
                held = content["data"]["customers"]
                held["edges"] = [each for each in held["edges"] if each["node"]["id"] != self.hidden]
                return Answer(200, content)
            return answer

    api = Hiding(limits=1000)
    with store(tmp_path, api, only=["customers"]) as world:
        fill(world, 60)
        world.land_well()
        world.vendor.seed("customers", [customer(number, at(100 + number)) for number in range(61, 90)])
        report = world.land_well()
        assert any("customers: the vendor names 1 of" in each for each in report.warnings)
        assert "65" not in landed(world)["customers"]
        api.hidden = None
        world.land_well()
        assert_same(world)
