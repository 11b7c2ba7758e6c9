"""Shopify's faults over HTTP: every row of its line in the fault table, and what any server can do, wherever it is met.

"… give exactly the rows the sandbox holds, with 0 duplicates, under every fault of its row in the fault table."
"Retry-After in every vendor's own form (Shopify's 200 + THROTTLED …)."
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from perennial.sandbox.shopify.api import ShopifyApi
from perennial.sandbox.shopify.bulk_query import read_bulk_query
from perennial.sources.shopify import bulk
from tests.support.vendor import VendorWorld
from tests.unit.sources.vendors.shopify_store import (
    assert_same,
    at,
    by_pages,
    fill,
    landed,
    order,
    refund,
    refunded,
    store,
)

# what a request of each kind says
GRAPHQL = ["Count(", "bulkOperationRunQuery", "... on BulkOperation", "refundLineItems", "abandonedCheckouts("]
FILE = "/bulk/"
PASSING: dict[str, Mapping[str, Any]] = {
    "throttled": {"seconds": 0.2},
    "too_many_requests": {},
    "internal_error": {},
    "status": {"status": 503},
    "html": {},
    "empty_body": {},
    "errors_body": {},
    "cut_off": {},
    "reset_after": {},
    "stall": {"seconds": 2},
    "slow": {"seconds": 0.2},
}


@pytest.mark.parametrize("fault", PASSING)
def test_a_fault_that_passes_costs_no_row_wherever_it_is_met(tmp_path: Path, fault: str) -> None:
    with store(tmp_path, timeout_seconds=1, call_seconds=20) as world:
        fill(world, 12)
        for place in GRAPHQL:
            world.arm(fault, match=place, **PASSING[fault])
        report = world.land_well()
        assert world.sandbox.faults.left() == 0, "nobody met the fault"
        assert sum(report.traffic["repeats"].values()) >= len(GRAPHQL)
        assert_same(world)


@pytest.mark.parametrize("fault", ["status", "cut_off", "reset_after", "stall", "slow"])
def test_a_fault_of_the_storage_costs_no_row(tmp_path: Path, fault: str) -> None:
    impatient = {"timeout_seconds": 1, "call_seconds": 3} if fault in ("stall", "slow") else {}
    with store(tmp_path, **impatient) as world:
        fill(world, 12)
        world.arm(fault, match=FILE, **PASSING[fault])
        report = world.land_well()
        assert world.sandbox.faults.left() == 0, "nobody met the fault"
        assert report.traffic["repeats"]["a download broke off"] == 1
        assert_same(world)


@pytest.mark.parametrize("fault", ["token_expired", "page_empty", "html"])
def test_a_fault_that_stays_is_a_reason_and_the_next_night_has_all_rows(tmp_path: Path, fault: str) -> None:
    with store(tmp_path, call_seconds=5) as world:
        fill(world, 30)
        world.land_well()
        world.vendor.seed("orders", [order(number, at(100 + number)) for number in range(31, 50)])
        world.arm(fault, times=1000, match="graphql")
        report = world.land()
        assert report.reason
        assert not report.tables
        world.sandbox.faults.disarm()
        world.land_well()
        assert_same(world)


def test_a_token_that_is_refused_is_asked_with_once(tmp_path: Path) -> None:
    with store(tmp_path) as world:
        world.env["VENDOR_TOKEN"] = "wrong"
        report = world.land()
        assert "token_env" in str(report.reason)
        assert "wrong" not in str(report.reason)
        assert world.calls() == 1


def test_a_missing_scope_is_named_by_the_setting_and_asked_for_once(tmp_path: Path) -> None:
    with store(tmp_path, ShopifyApi(limits=1000, scopes=("read_customers",))) as world:
        fill(world, 5)
        report = world.land()
        assert "lacks a scope" in str(report.reason)
        assert "productsCount" in world.sandbox.journal.of("shopify")[-1].body


def test_a_shop_that_answers_404_is_no_storm_of_repeats(tmp_path: Path) -> None:
    with store(tmp_path, api_version="2031-01") as world:
        report = world.land()
        assert "404" in str(report.reason)
        assert "api_version" in str(report.reason)
        assert world.calls() == 1


def test_a_throttled_200_is_waited_out_for_as_long_as_the_bucket_needs(tmp_path: Path) -> None:
    with store(tmp_path, ShopifyApi()) as world:  # 100 points a second
        fill(world, 5)
        world.arm("throttled", seconds=2, match="refundLineItems")
        report = world.land_well()
        entries = world.sandbox.journal.of("shopify")
        place = next(number for number, each in enumerate(entries) if each.fault == "throttled")
        waited = (entries[place + 1].at - entries[place].at).total_seconds()
        assert 2.0 <= waited < 4
        assert set(report.traffic["repeats"]) == {"throttled"}
        assert report.traffic["waited_seconds"] >= 2.0
        assert_same(world)


def test_an_ordinary_bucket_is_lived_with(tmp_path: Path) -> None:
    """Pages are dearer than what comes back meanwhile."""
    with store(tmp_path, ShopifyApi(restore_rate=100.0)) as world:
        fill(world, 60)
        by_pages(world)
        report = world.land_well()
        assert report.traffic["repeats"].get("throttled", 0) > 0
        assert_same(world)


def test_every_wait_of_a_429_is_honoured(tmp_path: Path) -> None:
    with store(tmp_path) as world:
        fill(world, 5)
        world.arm("too_many_requests", times=2, match="abandonedCheckouts(")
        report = world.land_well()
        entries = world.sandbox.journal.of("shopify")
        refused = [number for number, each in enumerate(entries) if each.fault == "too_many_requests"]
        gaps = [(entries[number + 1].at - entries[number].at).total_seconds() for number in refused]
        assert len(gaps) == 2
        assert min(gaps) >= 2.0
        assert report.traffic["waited_seconds"] >= 4.0
        assert_same(world)


def test_an_order_refunded_since_is_found_by_its_updated_time_the_next_night(tmp_path: Path) -> None:
    """The last row of Shopify's line: a refund moves its order's updatedAt."""
    with store(tmp_path) as world:
        fill(world, 40)
        world.land_well()
        world.vendor.seed("orders", [refunded(3, [refund(3)], at(500)), refunded(5, [refund(5), refund(55)], at(501))])
        world.land_well()
        assert {"3", "5", "55"} <= set(landed(world)["refunds"])
        assert_same(world)


# --- tokens that live for a day


def signed_by_client(tmp_path: Path, api: ShopifyApi) -> Any:
    return store(tmp_path, api, client_id="client")


def credentials() -> ShopifyApi:
    return ShopifyApi(limits=1000, token="nobody-has-it", tokens_by_credentials={("client", "secret"): "bought"})


def purchases(world: VendorWorld) -> int:
    return sum("/oauth/access_token" in each.path for each in world.sandbox.journal.of("shopify"))


def test_a_token_of_client_credentials_that_expires_amid_a_night_is_bought_anew(tmp_path: Path) -> None:
    with signed_by_client(tmp_path, credentials()) as world:
        world.env["VENDOR_TOKEN"] = "secret"
        fill(world, 30)
        world.arm("token_expired", match="refundLineItems")
        world.arm("token_expired", match="abandonedCheckouts(")
        report = world.land_well()
        assert_same(world)
        assert purchases(world) == 3
        assert "secret" not in str(report)


def test_a_token_that_lived_its_day_out_is_bought_anew(tmp_path: Path) -> None:
    with signed_by_client(tmp_path, credentials()) as world:
        world.env["VENDOR_TOKEN"] = "secret"
        fill(world, 30)
        clock = world.sandbox.clock
        calls = 0

        def late() -> Any:
            nonlocal calls
            calls += 1
            return clock() + timedelta(hours=30 if calls > 20 else 0)

        world.sandbox.clock = late
        world.land_well()
        assert_same(world)
        assert purchases(world) == 2


def test_credentials_that_are_refused_are_a_reason_after_one_call(tmp_path: Path) -> None:
    with signed_by_client(tmp_path, credentials()) as world:
        world.env["VENDOR_TOKEN"] = "another"
        report = world.land()
        assert "client_id" in str(report.reason)
        assert "another" not in str(report.reason)
        assert world.calls() == 1


@pytest.mark.parametrize("fault", [("status", {"status": 503}), ("html", {}), ("empty_body", {}), ("reset_after", {})])
def test_buying_a_token_is_tried_again_where_the_trouble_may_pass(tmp_path: Path, fault: tuple[str, Any]) -> None:
    with signed_by_client(tmp_path, credentials()) as world:
        world.env["VENDOR_TOKEN"] = "secret"
        fill(world, 5)
        world.arm(fault[0], match="access_token", **fault[1])
        world.land_well()
        assert_same(world)


# --- bulk operations that do not end well are in test_shopify_bulk.py


def test_no_bulk_operation_left_over_is_a_reason_after_call_seconds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with store(tmp_path, ShopifyApi(limits=1000, bulk_polls=10_000), call_seconds=2) as world:
        fill(world, 5)
        monkeypatch.setattr(bulk, "POLL_SECONDS", (0.05, 0.2))
        for _ in range(5):
            running = "{ products { edges { node { id } } } }"
            world.vendor.bulk.start(running, False, _part(running), [], world.sandbox.clock())  # type: ignore[attr-defined]
        began = time.monotonic()
        report = world.land()
        assert "others are running" in str(report.reason)
        assert time.monotonic() - began < 10


def _part(text: str) -> Any:
    return read_bulk_query(text, frozenset())
