"""Schema drift through Shopify and HTTP; each kind of change by itself is in tests/unit/sources/api/test_shape.py.

"New column lands and is reported; a vanished or retyped column stops that source's publish with the column's name."
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from perennial.sandbox.core import Answer, Asked
from perennial.sandbox.shopify.api import ShopifyApi
from tests.unit.sources.vendors.shopify_store import assert_same, at, by_pages, customer, fill, landed, store


def test_a_field_that_a_version_lost_stops_the_source_with_its_name(tmp_path: Path) -> None:
    with store(tmp_path, ShopifyApi(limits=1000, without=["Order.email"]), only=["orders"]) as world:
        fill(world, 10)
        by_pages(world)
        report = world.land()
        assert "column email of Order is no longer there" in str(report.reason)
        assert "api_version" in str(report.reason)
        assert not report.tables
        lost = [each for each in world.sandbox.journal.of("shopify") if "displayFinancialStatus" in each.body]
        assert len(lost) <= 3, "asked again and again although it is not there"


def test_a_field_that_is_lost_shows_in_a_first_load_by_bulk_too(tmp_path: Path) -> None:
    with store(tmp_path, ShopifyApi(limits=1000, without=["Customer.defaultEmailAddress"])) as world:
        fill(world, 10)
        assert "column defaultEmailAddress of Customer" in str(world.land().reason)


class Changed(ShopifyApi):
    """Its answers are built otherwise from some time on."""

    name = "shopify"
    change: Callable[[dict[str, Any]], None] | None = None

    def handle(self, asked: Asked) -> Answer:
        answer = super().handle(asked)
        if self.change is None or b"defaultEmailAddress" not in asked.body or b"customers(first" not in asked.body:
            return answer
        content: Any = json.loads(answer.body())
        for edge in content["data"]["customers"]["edges"]:
            self.change(edge["node"])
        return Answer(200, content)


def renamed(node: dict[str, Any]) -> None:
    node["surname"] = node.pop("lastName")


def other_case(node: dict[str, Any]) -> None:
    node["Locale"] = node.pop("locale")


def nested_retyped(node: dict[str, Any]) -> None:
    node["defaultEmailAddress"]["marketingState"] = {"value": "SUBSCRIBED"}


STOPPED: dict[str, tuple[Callable[[dict[str, Any]], Any], str]] = {
    "vanished": (lambda node: node.pop("lastName"), "column lastName is no longer there"),
    "renamed": (renamed, "column lastName is no longer there"),
    "in another case": (other_case, "column locale is no longer there"),
    "vanished below": (lambda node: node["defaultAddress"].clear(), "column defaultAddress.countryCodeV2 is no longer"),
    "retyped to an object": (lambda node: node.update(state={"now": "ENABLED"}), "column state (text, now object)"),
    "retyped below": (nested_retyped, "column defaultEmailAddress.marketingState (text, now object)"),
}


@pytest.mark.parametrize("kind", STOPPED)
def test_a_column_that_vanished_or_changed_its_kind_stops_the_source_with_its_name(tmp_path: Path, kind: str) -> None:
    change, said = STOPPED[kind]
    with store(tmp_path, Changed(limits=1000), only=["customers"]) as world:
        fill(world, 30)
        world.land_well()
        before = landed(world)
        world.vendor.seed("customers", [customer(31, at(500))])
        world.vendor.change = change
        for _ in range(2):  # not only on the first night
            report = world.land()
            assert said in str(report.reason)
            assert not report.tables
            assert landed(world) == before
        world.vendor.change = None
        world.land_well()
        assert_same(world)


def test_a_new_column_is_landed_with_the_payload_and_reported_once(tmp_path: Path) -> None:
    def more(node: dict[str, Any]) -> None:
        node["loyalty"] = {"points": 3, "tier": "gold"}

    with store(tmp_path, Changed(limits=1000), only=["customers"]) as world:
        fill(world, 30)
        world.land_well()
        world.land_well()
        world.vendor.change = more
        world.vendor.seed("customers", [customer(31, at(500))])
        report = world.land_well()
        assert [each for each in report.warnings if "loyalty" in each] == [
            "customers: new column loyalty; it is kept in the payload and read by nothing yet"
        ]
        assert_same(world)
        folder = world.home.payloads("shopify", "customers")
        newest = sorted(folder.glob("*.store.customers.page-*"))[-1]
        text = world.query(f"select page::varchar as page from read_json('{newest}', columns = {{page: 'JSON'}},"
                           f" compression = 'zstd', format = 'newline_delimited')")  # fmt: skip
        assert '"tier":"gold"' in text[0]["page"].replace(" ", "")
        assert not world.land_well().warnings


def test_columns_in_another_order_are_no_news(tmp_path: Path) -> None:
    def turned(node: dict[str, Any]) -> None:
        items = list(node.items())[::-1]
        node.clear()
        node.update(items)

    with store(tmp_path, Changed(limits=1000), only=["customers"]) as world:
        fill(world, 30)
        world.land_well()
        world.land_well()
        world.vendor.change = turned
        world.vendor.seed("customers", [customer(31, at(500))])
        assert not world.land_well().warnings
        assert_same(world)


def test_drift_found_before_a_kill_counts_after_it(tmp_path: Path) -> None:
    with store(tmp_path, Changed(limits=1000)) as world:
        fill(world, 30)
        world.land_well()
        world.vendor.change = STOPPED["vanished"][0]
        world.vendor.seed("customers", [customer(31, at(500))])
        assert world.land_killed("pages_noted:1:kill9") == -9
        world.vendor.change = None
        assert "lastName" in str(world.land().reason)
        world.land_well()
        assert_same(world)
