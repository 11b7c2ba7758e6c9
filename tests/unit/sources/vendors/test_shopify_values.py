"""What Shopify's values become: large ids, money, people who are gone, and rows made anew from what is kept.

"Ids above 2^53 … two customers with one e-mail and mixed currencies come out right."
"""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from perennial.sandbox.core import Answer, Asked
from perennial.sandbox.shopify.api import ShopifyApi
from perennial.sources.base import Window
from perennial.sources.shopify import adapter
from tests.support.vendor import VendorWorld
from tests.unit.sources.vendors.shopify_store import (
    assert_same,
    at,
    bag,
    by_pages,
    checkout,
    customer,
    fill,
    gid,
    in_force,
    landed,
    line,
    order,
    product,
    refund,
    refunded,
    store,
)

ABOVE = 2**53 + 1
LARGEST = 2**63 - 1


@pytest.mark.parametrize("way", ["bulk", "pages"])
def test_ids_above_2_to_the_53_are_exact_in_every_table(tmp_path: Path, way: str) -> None:
    with store(tmp_path) as world:
        for number in (ABOVE, ABOVE + 1, LARGEST - 1, LARGEST):
            world.vendor.seed("customers", [customer(number, at(1))])
            world.vendor.seed("products", [product(number, at(1))])
            items = [{**line(1), "id": gid("LineItem", number), "product": {"id": gid("Product", number)}}]
            back = [{**refund(1), "id": gid("Refund", number)}]
            world.vendor.seed("orders", [{**refunded(1, back, at(1)), "id": gid("Order", number), "lineItems": items,
                                          "customer": {"id": gid("Customer", number)}}])  # fmt: skip
            held = {**checkout(1, at(1)), "id": gid("AbandonedCheckout", number)}
            world.vendor.seed("abandonedCheckouts", [held])
        if way == "pages":
            by_pages(world)
        world.land_well()
        assert_same(world)
        wanted = {str(each) for each in (ABOVE, ABOVE + 1, LARGEST - 1, LARGEST)}
        for table, column in [("customers", "customer_id"), ("orders", "customer_id"), ("order_lines", "line_id"),
                              ("order_lines", "product_id"), ("refunds", "refund_id"), ("refunds", "order_id"),
                              ("checkouts", "checkout_id"), ("checkout_lines", "checkout_id")]:  # fmt: skip
            assert {row[column] for row in in_force(world, table)} == wanted, (table, column)


AMOUNTS = ["0.00", "0.01", "0.1", "19.999", "1234567890.12", "99999999999999.99", "-5.00", "1e2", "7"]


def test_money_is_exact(tmp_path: Path) -> None:
    with store(tmp_path) as world:
        for place, text in enumerate(AMOUNTS, 1):
            items = [line(place, 1, text, text)]
            world.vendor.seed("orders", [order(place, at(1), totalPriceSet=bag(text), lineItems=items)])
        world.land_well()
        rows = {row["order_id"]: row["total_amount"] for row in in_force(world, "orders")}
        assert rows == {str(place): Decimal(text) for place, text in enumerate(AMOUNTS, 1)}
        lines = {row["order_id"]: (row["unit_price_amount"], row["discount_amount"])
                 for row in in_force(world, "order_lines")}  # fmt: skip
        assert lines == {str(place): (Decimal(text), Decimal(text)) for place, text in enumerate(AMOUNTS, 1)}


def test_an_order_keeps_the_currency_it_was_placed_in(tmp_path: Path) -> None:
    with store(tmp_path) as world:
        for number, currency in enumerate(["GBP", "EUR", "USD", "JPY", "KWD"], 1):
            record = refunded(
                number, [{**refund(number), "totalRefundedSet": bag("6.00", currency)}], currency=currency
            )
            world.vendor.seed("orders", [record])
        world.land_well()
        assert {row["order_id"]: row["currency"] for row in in_force(world, "orders")} == {
            "1": "GBP", "2": "EUR", "3": "USD", "4": "JPY", "5": "KWD"
        }  # fmt: skip
        assert {row["refund_id"]: row["currency"] for row in in_force(world, "refunds")} == {
            "1": "GBP", "2": "EUR", "3": "USD", "4": "JPY", "5": "KWD"
        }  # fmt: skip


def test_what_was_paid_back_beyond_goods_and_their_tax_is_shipping(tmp_path: Path) -> None:
    with store(tmp_path) as world:
        several = [
            {**refund(1, lines=2), "totalRefundedSet": bag("15.50")},
            {**refund(2, lines=0), "totalRefundedSet": bag("4.00")},
            {**refund(3, lines=1), "totalRefundedSet": bag("5.00")},  # less than its goods and tax: nothing is left
        ]
        world.vendor.seed("orders", [refunded(1, several)])
        world.land_well()
        rows = {row["refund_id"]: (row["goods_amount"], row["tax_amount"], row["shipping_amount"])
                for row in in_force(world, "refunds")}  # fmt: skip
        assert rows == {
            "1": (Decimal(10), Decimal(2), Decimal("3.50")),
            "2": (Decimal(0), Decimal(0), Decimal(4)),
            "3": (Decimal(5), Decimal(1), Decimal(0)),
        }


def test_two_customers_with_one_e_mail_stay_two(tmp_path: Path) -> None:
    with store(tmp_path) as world:
        one = {"emailAddress": "shared@example.com", "marketingState": "SUBSCRIBED"}
        other = {"emailAddress": "Shared@Example.com", "marketingState": "UNSUBSCRIBED"}
        world.vendor.seed("customers", [customer(1, defaultEmailAddress=one), customer(2, defaultEmailAddress=other)])
        world.land_well()
        rows = {row["customer_id"]: (row["email"], row["email_state"]) for row in in_force(world, "customers")}
        assert rows == {"1": ("shared@example.com", "SUBSCRIBED"), "2": ("Shared@Example.com", "UNSUBSCRIBED")}


@pytest.mark.parametrize("count", [40, 400])
def test_a_customer_who_is_deleted_is_gone_here_too_and_stops_no_night(tmp_path: Path, count: int) -> None:
    with store(tmp_path) as world:
        fill(world, count)
        world.land_well()
        world.vendor.seed("customers", [{"id": gid("Customer", 3), "__deleted": True}, customer(999, at(500))])
        world.vendor.seed("orders", [order(3, at(500))])
        report = world.land_well()
        assert not report.warnings
        assert landed(world)["orders"]["3"][1] is None
        assert landed(world)["orders"]["2"][1] == "2"
        assert set(landed(world)["customers"]) == {str(number) for number in [*range(1, count + 1), 999] if number != 3}
        assert {each.table: each.landed for each in world.land_well().tables if each.landed} == {}
        world.vendor.seed("customers", [customer(3, at(600))])  # restored
        world.land_well()
        assert "3" in landed(world)["customers"]


def test_who_is_deleted_is_not_looked_for_where_nobody_wants_it(tmp_path: Path) -> None:
    with store(tmp_path, find_deleted=False) as world:
        fill(world, 40)
        world.land_well()
        world.vendor.seed("customers", [{"id": gid("Customer", 3), "__deleted": True}])
        world.land_well()
        assert "3" in landed(world)["customers"]


def test_a_list_of_customers_that_is_cut_short_deletes_nobody(tmp_path: Path) -> None:
    with store(tmp_path, only=["customers", "customer_ids"]) as world:
        fill(world, 60)
        world.land_well()
        for fault in ("page_half", "page_empty"):
            world.arm(fault, match="sortKey: ID", times=1000)
            assert world.land().is_gated
            world.sandbox.faults.disarm()
        world.land_well()
        assert_same(world)


def test_a_list_of_customers_that_is_known_to_lack_somebody_deletes_nobody(tmp_path: Path) -> None:
    class Hiding(ShopifyApi):
        name = "shopify"
        is_hiding = False

        def handle(self, asked: Asked) -> Answer:
            answer = super().handle(asked)
            if self.is_hiding and b"sortKey: ID" in asked.body:
                content: Any = json.loads(answer.body())
                held = content["data"]["customers"]
                held["edges"] = [each for each in held["edges"] if not each["node"]["id"].endswith("/7")]
                return Answer(200, content)
            return answer

    api = Hiding(limits=1000)
    with store(tmp_path, api, only=["customers", "customer_ids"]) as world:
        fill(world, 60)
        world.land_well()
        api.is_hiding = True
        report = world.land_well()
        assert any("customer_ids: the vendor names 1 of 60 items" in each for each in report.warnings)
        assert_same(world)


def test_records_with_next_to_nothing_in_them_are_landed(tmp_path: Path) -> None:
    with store(tmp_path) as world:
        world.vendor.seed("customers", [{"id": gid("Customer", 1), "updatedAt": at(1)}])
        world.vendor.seed("products", [{"id": gid("Product", 1), "updatedAt": at(1)}])
        bare = {"id": gid("Order", 1), "updatedAt": at(1), "createdAt": at(0), "totalPriceSet": bag("1.00")}
        world.vendor.seed("orders", [bare])
        world.vendor.seed("abandonedCheckouts", [{"id": gid("AbandonedCheckout", 1), "createdAt": at(0),
                                                  "updatedAt": at(1)}])  # fmt: skip
        report = world.land_well()
        counts = {each.table: (each.landed, each.quarantined) for each in report.tables if each.received}
        assert counts == dict.fromkeys(("customers", "products", "orders", "checkouts", "customer_ids"), (1, 0))


# --- rows made anew from the payloads kept


def with_a_mended_mapping(monkeypatch: pytest.MonkeyPatch, stream: str, table: str, **columns: str) -> None:
    """What a person does who mends queries.py."""

    def mended(query: adapter.Query) -> adapter.Query:
        if query.name != stream:
            return query
        forms = {}
        for name, form in query.forms.items():
            rows = [replace(each, columns={**each.columns, **columns}) if each.table == table else each
                    for each in form.rows]  # fmt: skip
            forms[name] = replace(form, rows=rows)
        return replace(query, forms=forms)

    monkeypatch.setattr(adapter, "QUERIES", tuple(mended(each) for each in adapter.QUERIES))


def retyped(world: VendorWorld) -> dict[str, int]:
    """Rows landed per table by making them anew; nobody is asked."""
    calls = world.calls()
    report = world.land_well(window=Window(mode="retype"))
    assert world.calls() == calls
    return {each.table: each.landed for each in report.tables if each.landed}


def history(world: VendorWorld) -> None:
    """Three nights: an order loses a line and another is counted anew; a customer changes; much comes in bulk."""
    fill(world, 30)
    world.vendor.seed("orders", [order(3, at(3), lines=13)])
    world.land_well()
    world.vendor.seed("orders", [{**order(3, at(500)), "lineItems": [line(3001, 9), line(3002, 1)]}])
    world.vendor.seed("customers", [customer(7, at(501), firstName="Changed")])
    world.land_well()
    world.vendor.seed("orders", [{**order(4, at(502)), "lineItems": [line(4001, 5)]}])
    world.vendor.seed("orders", [order(number, at(600), lines=1) for number in range(100, 400)])
    world.land_well()
    assert_same(world)


def test_retyping_under_the_same_mapping_lands_nothing_and_asks_nobody(tmp_path: Path) -> None:
    with store(tmp_path) as world:
        history(world)
        assert retyped(world) == {}
        assert_same(world)


def test_retyping_after_a_mapping_was_mended_rewrites_rows_without_one_request(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with store(tmp_path) as world:
        history(world)
        with_a_mended_mapping(monkeypatch, "orders", "orders", source_name_at_shop="'mended ' || item.sourceName")
        assert retyped(world) == {"orders": 330, "order_lines": len(in_force(world, "order_lines"))}
        assert {row["source_name_at_shop"] for row in in_force(world, "orders")} == {"mended web"}
        assert_same(world)
        report = world.land_well()
        assert {each.landed for each in report.tables} == {0}, "the next night goes on as if nothing had been"


def test_retyping_lines_brings_back_none_that_are_gone_and_no_older_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with store(tmp_path) as world:
        history(world)
        with_a_mended_mapping(monkeypatch, "orders", "order_lines", sku="'mended'")
        retyped(world)
        assert {row["sku"] for row in in_force(world, "order_lines")} == {"mended"}
        assert_same(world)


def test_retyping_takes_of_every_record_what_came_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reference may change without a new updatedAt: what came last counts, then as now."""
    with store(tmp_path) as world:
        fill(world, 10)
        world.land_well()
        world.vendor.seed("orders", [{**each, "customer": None} for each in world.vendor.held()["orders"].values()])
        world.land_well()
        before = landed(world)["orders"]
        assert {each[1] for each in before.values()} == {None}
        with_a_mended_mapping(monkeypatch, "orders", "orders", source_name_at_shop="'mended'")
        retyped(world)
        assert landed(world)["orders"] == before


def test_retyping_where_nothing_is_kept_is_a_reason(tmp_path: Path) -> None:
    with store(tmp_path, ShopifyApi(limits=1000)) as world:
        report = world.land(window=Window(mode="retype"))
        assert "no payload is kept" in str(report.reason)
        assert world.calls() == 0
