"""Landing a WooCommerce store: a full load, nights, backfills and kills give exactly what the store holds."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from perennial.config.vendors.woocommerce import Settings
from perennial.sandbox.core import Answer, Asked
from perennial.sandbox.woocommerce.api import WoocommerceApi
from perennial.sources.base import Window
from tests.support.vendor import VendorWorld
from tests.unit.sources.vendors.woocommerce_shop import (
    KEY_ENV,
    PAGE,
    at,
    customer,
    duplicates,
    held,
    landed,
    order,
    pages_asked,
    product,
    refund,
    shop,
    stocked,
)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[VendorWorld]:
    with shop(tmp_path) as found:
        yield found


def test_a_full_load_lands_what_the_store_holds(world: VendorWorld) -> None:
    report = world.land_well()
    assert landed(world) == held(world)
    assert duplicates(world) == {}
    assert [table.quarantined for table in report.tables] == [0] * 5
    handed = {each for entry in world.sandbox.journal.of("woocommerce") for each in entry.ids}
    assert handed == {each for records in world.vendor.held().values() for each in records}


def test_a_night_lands_what_changed_came_and_went(world: VendorWorld) -> None:
    world.land_well()
    world.vendor.seed(
        "orders", [order(3, at(500), status="refunded"), order(58, at(600)), order(7, at(601), status="trash")]
    )
    world.vendor.seed("orders", [{**order(9, at(602)), "line_items": order(9)["line_items"][:1]}])
    world.vendor.seed("products", [product(2, date_modified_gmt=at(600), name="Renamed"), product(13)])
    world.vendor.seed("customers", [customer(25), {"id": 4, "_gone": True}, customer(5, email="moved@leak.test")])
    world.vendor.seed("refunds", [refund(1100, 40, date_created_gmt=at(700)), {"id": 1002, "_gone": True}])
    report = world.land_well()
    assert landed(world) == held(world)
    assert duplicates(world) == {}
    by_table = {table.table: table.landed for table in report.tables}
    assert by_table == {"customers": 3, "products": 2, "orders": 5, "refunds": 2, "order_lines": 9}


def test_a_night_without_changes_lands_nothing_and_asks_little(world: VendorWorld) -> None:
    world.land_well()
    before = world.calls()
    report = world.land_well()
    assert sum(table.landed for table in report.tables) == 0
    lists = pages_asked(world, before)
    assert (lists.count("customers"), lists.count("refunds")) == (3, 2)  # they know no "changed since"
    assert lists.count("orders") <= 7


def test_a_trashed_order_that_comes_back_counts_again(world: VendorWorld) -> None:
    for minutes, status in ((500, "trash"), (600, "processing")):
        world.land_well()
        world.vendor.seed("orders", [order(7, at(minutes), status=status)])
    world.land_well()
    assert landed(world) == held(world)
    assert landed(world)["orders"]["7"][4] is False


def test_a_customer_whom_the_store_hides_for_a_night_comes_back(world: VendorWorld) -> None:
    gone = world.vendor.held()["customers"]["4"]
    for change in ({"id": 4, "_gone": True}, gone):
        world.land_well()
        world.vendor.seed("customers", [change])
    assert "4" not in landed(world)["customers"]
    world.land_well()
    assert landed(world) == held(world)


def test_a_first_load_can_begin_at_a_date_and_a_backfill_brings_a_stretch_before_it(tmp_path: Path) -> None:
    with shop(tmp_path, since="2026-01-06") as world:
        day = [order(number, f"2026-01-0{day}T00:00:00") for number, day in ((101, 3), (102, 4), (103, 5), (104, 6))]
        world.vendor.seed("orders", day)
        world.land_well()
        assert set(landed(world)["orders"]) == {"104"}
        assert landed(world)["customers"] == held(world)["customers"]  # the store cannot be asked for new ones alone
        state = world.reports[-1].state
        window = Window(datetime(2026, 1, 4, tzinfo=UTC), datetime(2026, 1, 5, tzinfo=UTC), "backfill")
        before = world.calls()
        world.land_well(window=window)
        assert set(landed(world)["orders"]) == {"102", "104"}
        assert set(pages_asked(world, before)) == {"orders", "products"}
        assert world.reports[-1].state["streams"]["orders"]["watermark"] == state["streams"]["orders"]["watermark"]
        world.land_well(window=Window(datetime(2026, 1, 5, tzinfo=UTC), datetime(2026, 1, 6, tzinfo=UTC), "backfill"))
        assert set(landed(world)["orders"]) == set(held(world)["orders"]) - {"101"}
        assert duplicates(world) == {}


@pytest.mark.parametrize(
    "failpoint",
    ["page_fetched:2:kill9", "page_fetched:7:kill9", "pages_noted:2:kill9", "pages_noted:6:kill9",
     "load_staged:1:kill9", "load_written:1:kill9", "load_committed:1:kill9"],
)  # fmt: skip
def test_after_a_kill_the_next_run_lands_everything_once_and_asks_for_nothing_noted(
    world: VendorWorld, failpoint: str
) -> None:
    assert world.land_killed(failpoint) == -9
    before = world.calls()
    report = world.land_well()
    assert landed(world) == held(world)
    assert duplicates(world) == {}
    streams = ["customers", "products", "orders", "refunds"]
    name, number, _ = failpoint.split(":")
    # a stream is noted with its last page, and once more as done; rows are staged stream by stream
    noted = {"pages_noted": int(number) // 2, "page_fetched": int(number) // 3, "load_staged": 1}.get(name, 4)
    if name == "load_committed":  # an ordinary night: everything had landed
        assert report.traffic["is_resumed"] is False
        return
    assert report.traffic["is_resumed"] is True
    asked = set(pages_asked(world, before))
    assert not asked & set(streams[:noted])
    assert asked >= set(streams[noted:])


def test_a_kill_in_the_middle_of_a_night_after_the_first_loses_nothing(world: VendorWorld) -> None:
    world.land_well()
    world.vendor.seed("orders", [order(number, at(500 + number)) for number in range(1, 40)])
    assert world.land_killed("page_fetched:8:kill9") == -9
    world.vendor.seed("orders", [order(number, at(900 + number)) for number in range(30, 70)])
    world.land_well()
    world.land_well()
    assert landed(world) == held(world)
    assert duplicates(world) == {}


def test_5_001_orders_of_one_second_are_all_landed(tmp_path: Path) -> None:
    api = WoocommerceApi()
    api.seed("orders", [{"id": number, "date_created_gmt": at(0)} for number in range(1, 5_002)])
    with shop(tmp_path, api, page_size=100, timeout_seconds=60) as world:
        world.land_well()
        assert len(landed(world)["orders"]) == 5_001
        api.seed("orders", [{"id": 5_002, "date_created_gmt": at(0)}])  # of the same second, and later
        world.land_well(overlap="1m")
        assert len(landed(world)["orders"]) == 5_002


class Busy(WoocommerceApi):
    """A store in which something happens after each of the first pages of a list."""

    def __init__(self, path: str, *changes: tuple[str, list[dict[str, Any]]]) -> None:
        super().__init__()
        stocked(self)
        self._path, self._changes = path, list(changes)

    def handle(self, asked: Asked) -> Answer:
        answer = super().handle(asked)
        if asked.path.endswith(self._path) and f"per_page={PAGE}" in asked.query and self._changes:
            self.seed(*self._changes.pop(0))
        return answer


def test_orders_that_come_and_change_while_pages_are_read_are_all_landed(tmp_path: Path) -> None:
    changes: list[list[dict[str, Any]]] = [
        [order(2, at(1000)), order(3, at(1001))],  # read already: they move to the end, the others up
        [order(90, at(30)), order(91, at(1002))],
        # inside the second that holds more than a page
        [order(20, at(1003)), order(21, at(1004)), order(22, at(1005), status="trash"), order(5, at(100))],
        [order(92, at(100)), {"id": 23, "_gone": True}, {"id": 24, "_gone": True}],
    ]
    api = Busy("/orders", *(("orders", each) for each in changes))
    with shop(tmp_path, api) as world:
        world.land_well()
        assert not api._changes
        world.land_well()  # what the store changed behind the place already read, below the newest
        found, there = landed(world), held(world)
        assert {key for key in there["orders"] if found["orders"].get(key) != there["orders"][key]} <= {"90"}
        assert set(found["orders"]) - set(there["orders"]) <= {"23", "24"}
        assert duplicates(world) == {}


def test_customers_that_come_and_go_while_pages_are_read_hide_nobody(tmp_path: Path) -> None:
    gone = [{"id": number, "_gone": True} for number in (1, 2, 3, 10)]
    api = Busy("/customers", ("customers", gone), ("customers", [customer(30), customer(31)]))
    with shop(tmp_path, api) as world:
        world.land_well()
        assert set(landed(world)["customers"]) >= set(held(world)["customers"])
        world.land_well()
        assert landed(world) == held(world)


def test_the_refunds_of_each_order_can_be_asked_for_where_the_store_has_no_list_of_all(tmp_path: Path) -> None:
    api = WoocommerceApi(store_wide_refunds=False)
    stocked(api)
    api.seed("refunds", [refund(2000 + number, 50) for number in range(25)])
    with shop(tmp_path, api, refunds_from="orders") as world:
        world.land_well()
        assert landed(world) == held(world)
        api.seed("refunds", [refund(3000, 51, date_created_gmt=at(800))])
        world.land_well()
        assert landed(world) == held(world)
        failed = world.land(refunds_from="store")
        assert failed.reason is not None
        assert "set `refunds_from: orders`" in failed.reason


def test_an_order_that_goes_before_its_refunds_are_asked_for_stops_nothing(tmp_path: Path) -> None:
    api = Busy("/orders", ("orders", [{"id": 2, "_gone": True}]))
    with shop(tmp_path, api, refunds_from="orders") as world:
        world.land_well()
        assert set(landed(world)["orders"]) - set(held(world)["orders"]) == {"2"}
        assert landed(world)["refunds"] == held(world)["refunds"]


def test_what_a_record_holds_is_landed_in_its_own_terms(tmp_path: Path) -> None:
    api = WoocommerceApi()
    api.seed("customers", [customer(1, meta_data=[{"id": 1, "key": "opt", "value": "yes"}]), customer(2, email="")])
    plain = {"payment": {"deep": [1]}}
    metas = [{"id": 1, "key": "_wcpay_mode", "value": "test"}, {"id": 2, "key": "x", "value": plain}]
    api.seed("orders", [order(1, at(5), meta_data=metas, date_paid_gmt=at(2)), order(3, at(6))])
    lines = [{"id": 1, "total": "-4.00", "total_tax": "-0.80"}, {"id": 2, "total": "-2.50", "total_tax": "-0.50"}]
    shipping = [{"id": 3, "total": "-3.95", "total_tax": "-0.79"}]
    api.seed("refunds", [refund(9, 1, amount="12.54", line_items=lines, shipping_lines=shipping, reason="late")])
    api.seed("refunds", [refund(10, 3, amount="7.00", line_items=[])])
    with shop(tmp_path, api, opt_in_key="opt", time_zone="Europe/London") as world:
        world.land_well()
        test, guest = (world.newest("orders", "order_id")[key] for key in ("1", "3"))
        assert (test["is_test"], guest["is_test"], test["paid_at"]) == (True, False, datetime.fromisoformat(at(2)))
        assert (guest["customer_id"], guest["email"], guest["phone"]) == (None, "canary-3@leak.test", None)
        money = [test["subtotal_amount"], test["refunded_amount"], guest["refunded_amount"]]
        assert money == [Decimal("30"), Decimal("12.54"), Decimal("7")]
        assert test["created_at"] == datetime.fromisoformat(at(1))
        amounts = {
            key: [float(row[name]) for name in ("total_amount", "tax_amount", "shipping_amount")]
            for key, row in world.newest("refunds", "refund_id").items()
        }
        assert amounts == {"9": [12.54, 2.09, 3.95], "10": [7.0, 0.0, 0.0]}
        people = world.newest("customers", "customer_id")
        assert [people[key]["opt_in"] for key in ("1", "2")] == ["yes", None]
        assert people["2"]["updated_at"] == people["2"]["created_at"] == datetime.fromisoformat(at(-2))


def test_settings_keep_the_keys_off_unprotected_ways_and_the_page_within_the_stores_limit() -> None:
    plain = {"kind": "woocommerce", "base_url": "https://shop.example.com", "token_env": "A", "key_env": "B"}
    assert Settings.model_validate(plain).page_size == 100
    for wrong in ({"base_url": "http://shop.example.com"}, {"page_size": 101}, {"base_url": None}, {"key_env": None}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            Settings.model_validate({**plain, **wrong})


def test_wrong_keys_stop_the_source_and_say_which_setting_names_them(world: VendorWorld) -> None:
    world.env[KEY_ENV] = "ck_other"
    reason = world.land().reason
    assert reason is not None
    assert "401" in reason
    assert "token_env" in reason
    assert "ck_other" not in reason
    assert world.reports[-1].loaded_at - timedelta(hours=1) > datetime(2026, 3, 1, tzinfo=UTC)
