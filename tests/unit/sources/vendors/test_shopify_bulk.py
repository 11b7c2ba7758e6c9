"""Shopify's bulk operations: how they fail, in what order their files come, and a kill amid a download."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from perennial.sandbox.core import Answer, Asked
from perennial.sandbox.shopify.api import ShopifyApi
from perennial.sources.api import extraction
from tests.support.vendor import VendorWorld
from tests.unit.sources.vendors.shopify_store import assert_same, at, customer, fill, order, store


def operations(world: VendorWorld, name: str) -> int:
    """How many bulk operations were started for a stream."""
    started = [each.body for each in world.sandbox.journal.of("shopify") if "bulkOperationRunQuery" in each.body]
    return sum(json.loads(each)["variables"]["query"].startswith((f"{{ {name} ", f"{{ {name}(")) for each in started)


PAGE_OF_ORDERS = "lineItems(first: 10)"


@pytest.mark.parametrize("fault", ["bulk_children_first", "bulk_shuffled"])
def test_the_order_of_a_bulk_files_lines_does_not_matter(tmp_path: Path, fault: str) -> None:
    with store(tmp_path, only=["orders"]) as world:
        fill(world, 120)
        world.arm(fault, match="lineItems", times=1)
        world.land_well()
        assert_same(world)
        assert operations(world, "orders") == 1


@pytest.mark.parametrize("fault", ["bulk_failed", "bulk_null_url"])
def test_a_bulk_operation_that_ends_badly_once_is_started_anew(tmp_path: Path, fault: str) -> None:
    with store(tmp_path, only=["orders"]) as world:
        fill(world, 60)
        world.arm(fault, match="lineItems", times=1)
        report = world.land_well()
        assert_same(world)
        assert operations(world, "orders") == 2
        assert not [each for each in world.sandbox.journal.of("shopify") if PAGE_OF_ORDERS in each.body]
        assert not report.warnings


@pytest.mark.parametrize("fault", ["bulk_failed", "bulk_null_url"])
def test_where_bulk_operations_keep_ending_badly_everything_is_paged_and_no_partial_file_is_believed(
    tmp_path: Path, fault: str
) -> None:
    with store(tmp_path) as world:
        fill(world, 60)
        world.arm(fault, times=100, match="bulkOperationRunQuery")
        world.land_well()
        assert_same(world)
        assert operations(world, "orders") == operations(world, "customers") == 2
        assert not any("-partial" in each.path for each in world.sandbox.journal.of("shopify"))


def test_a_shop_that_takes_no_bulk_query_is_paged(tmp_path: Path) -> None:
    class Picky(ShopifyApi):
        def handle(self, asked: Asked) -> Answer:
            if b"bulkOperationRunQuery" in asked.body:
                errors = [{"field": ["query"], "message": "Bulk queries cannot do that."}]
                return Answer(200, {"data": {"bulkOperationRunQuery": {"bulkOperation": None, "userErrors": errors}}})
            return super().handle(asked)

    with store(tmp_path, Picky(limits=1000)) as world:
        fill(world, 30)
        world.land_well()
        assert_same(world)
        assert operations(world, "orders") == 1


def test_much_that_changed_is_asked_for_in_bulk_and_little_in_pages(tmp_path: Path) -> None:
    with store(tmp_path) as world:
        fill(world, 60)
        world.land_well()
        world.vendor.seed("orders", [order(number, at(1000 + number)) for number in range(100, 400)])
        world.land_well()
        assert_same(world)
        assert (operations(world, "orders"), operations(world, "customers")) == (2, 1)


def test_an_operation_that_is_gone_is_started_anew(tmp_path: Path) -> None:
    with store(tmp_path) as world:
        fill(world, 30)
        assert world.land_killed("pages_noted:1:kill9") == -9
        world.vendor.bulk._operations.clear()  # type: ignore[attr-defined]
        world.land_well()
        assert_same(world)
        assert operations(world, "customers") == 2


def long_orders(world: VendorWorld, count: int = 1200) -> None:
    """A file of several portions: every title is long."""
    padding = "x" * 2000
    orders = []
    for number in range(1, count + 1):
        record = order(number, at(number))
        for each in record["lineItems"]:
            each["title"] = padding
        orders.append(record)
    world.vendor.seed("orders", orders)


def noted(world: VendorWorld, name: str) -> dict[str, object]:
    text = (world.home.incoming / "_extracting.store" / f"{name}.json").read_text()
    return dict(json.loads(text))


def test_a_kill_amid_a_bulk_download_goes_on_at_the_byte_without_a_second_operation(tmp_path: Path) -> None:
    with store(tmp_path) as world:
        fill(world, 10)
        long_orders(world)
        # customers and products: two pages each; then the operation's own, then the portions
        assert world.land_killed("page_fetched:8:kill9") == -9
        cursor = noted(world, "orders")["cursor"]
        assert isinstance(cursor, dict)
        before = len(world.sandbox.journal.of("shopify"))
        world.land_well()
        assert_same(world)
        assert operations(world, "orders") == 1
        asked = [each for each in world.sandbox.journal.of("shopify")[before:] if each.path.startswith("/bulk/")]
        assert len(asked) == 1
        wanted = f"bytes={cursor['offset']}-" if cursor.get("offset") else None
        assert asked[0].headers.get("range") == wanted


def test_a_download_noted_in_the_middle_is_gone_on_with_from_the_byte_noted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Progress is noted every ten seconds; here after every portion."""
    monkeypatch.setattr(extraction, "FLUSH_BYTES", 1)
    with store(tmp_path, only=["orders"]) as world:
        long_orders(world)

        class Enough(Exception):
            pass

        portions = 0
        seen = extraction.Extraction._note

        def note(self: extraction.Extraction, stream: str, *rest: object) -> None:
            nonlocal portions
            seen(self, stream, *rest)  # type: ignore[arg-type]
            portions += stream == "orders"
            if portions == 4:
                raise Enough

        monkeypatch.setattr(extraction.Extraction, "_note", note)
        with pytest.raises(Enough):
            world.land()
        monkeypatch.setattr(extraction.Extraction, "_note", seen)
        cursor = noted(world, "orders")["cursor"]
        assert isinstance(cursor, dict)
        assert cursor["offset"] > 2_000_000
        before = len(world.sandbox.journal.of("shopify"))
        report = world.land_well()
        assert report.traffic["is_resumed"]
        asked = [each for each in world.sandbox.journal.of("shopify")[before:] if each.path.startswith("/bulk/")]
        assert [each.headers.get("range") for each in asked] == [f"bytes={cursor['offset']}-"]
        assert operations(world, "orders") == 1
        assert_same(world)


def test_a_file_that_is_gone_after_a_kill_leads_to_a_new_operation(tmp_path: Path) -> None:
    class Forgetful(ShopifyApi):
        name = "shopify"
        gone: str = ""

        def handle(self, asked: Asked) -> Answer:
            if self.gone and asked.path.endswith(self.gone):
                return Answer(403, b"<Error><Code>ExpiredToken</Code></Error>", content_type="application/xml")
            return super().handle(asked)

    api = Forgetful(limits=1000)
    with store(tmp_path, api) as world:
        fill(world, 40)
        assert world.land_killed("pages_noted:1:kill9") == -9
        api.gone = "4039000000001.jsonl"
        world.land_well()
        assert_same(world)
        assert operations(world, "customers") == 2


def test_a_file_that_holds_other_lines_than_the_operation_says_is_not_believed(tmp_path: Path) -> None:
    class Short(ShopifyApi):
        name = "shopify"
        left = 1

        def handle(self, asked: Asked) -> Answer:
            answer = super().handle(asked)
            if asked.path.startswith("/bulk/") and self.left and isinstance(answer.content, bytes):
                self.left -= 1
                whole = answer.content.splitlines(keepends=True)
                return Answer(200, b"".join(whole[: len(whole) // 2]), content_type="application/jsonl")
            return answer

    with store(tmp_path, Short(limits=1000)) as world:
        world.vendor.seed("customers", [customer(number) for number in range(1, 50)])
        world.land_well()
        assert_same(world)
        assert operations(world, "customers") == 2


def test_an_operation_that_takes_longer_than_a_run_may_wait_is_waited_for_by_the_next(tmp_path: Path) -> None:
    api = ShopifyApi(limits=1000, bulk_polls=10_000)
    with store(tmp_path, api, bulk_seconds=0.5) as world:
        fill(world, 10)
        report = world.land()
        assert "bulk_seconds" in str(report.reason)
        for operation in api.bulk._operations.values():
            operation.polls_left = 1
        api.bulk._polls = 1
        world.land_well()
        assert_same(world)
        assert operations(world, "customers") == 1
