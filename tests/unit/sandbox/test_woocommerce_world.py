"""The demo world in the sandbox's WooCommerce, read back over HTTP: every fact a store can carry is there."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC
from decimal import Decimal
from zoneinfo import ZoneInfo

import pandas as pd
import pytest

from perennial.demo.make import make_world
from perennial.demo.scale import Scale
from perennial.sandbox.server import Sandbox
from perennial.sandbox.woocommerce import world
from perennial.sandbox.woocommerce.api import WoocommerceApi
from tests.unit.sandbox.woocommerce_store import Store, running_store


@pytest.fixture(scope="module")
def tables() -> dict[str, pd.DataFrame]:
    made = make_world(Scale(people=1500, years=2)).tables
    return {table: rows for (source, table), rows in made.items() if source == "outlet"}


@pytest.fixture(scope="module")
def sold(tables: dict[str, pd.DataFrame]) -> Iterator[Store]:
    """The outlet's demo world in a store, read back over HTTP."""
    api = WoocommerceApi()
    for collection, records in world.records(tables).items():
        assert api.seed(collection, records) == len(records)
    with running_store(Sandbox([api])) as store:
        yield store


def outlet_times(column: pd.Series) -> list[str | None]:
    zone = ZoneInfo("Europe/London")
    return [
        None if pd.isna(at) else at.to_pydatetime().replace(tzinfo=zone).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")
        for at in column
    ]


def test_every_order_of_the_demo_world_keeps_its_money_buyer_and_times(
    tables: dict[str, pd.DataFrame], sold: Store
) -> None:
    rows, found = tables["shop_orders"], sold.everything("/orders")
    assert len(rows) > 100
    assert [str(order["id"]) for order in found] == list(rows["order_id"])
    assert [order["date_created_gmt"] for order in found] == outlet_times(rows["ordered_at"])
    assert [order["date_modified_gmt"] for order in found] == outlet_times(rows["updated_at"])
    for column, name in [
        ("discount_amount", "discount_total"), ("tax_amount", "total_tax"), ("shipping_amount", "shipping_total"),
        ("total_amount", "total"),
    ]:  # fmt: skip
        assert [order[name] for order in found] == [f"{amount:.2f}" for amount in rows[column]]
    subtotals = [sum((Decimal(line["subtotal"]) for line in order["line_items"]), Decimal(0)) for order in found]
    assert subtotals == [Decimal(f"{amount:.2f}") for amount in rows["subtotal_amount"]]
    for name in ("email", "phone"):
        assert [order["billing"][name] or None for order in found] == [
            v if world.known(v) else None for v in rows[name]
        ]
    buyers = [world.customer_number(v) if world.known(v) else 0 for v in rows["customer_id"]]
    assert [order["customer_id"] for order in found] == buyers
    assert 0 in buyers
    assert {order["status"] for order in found} >= {"completed", "processing", "cancelled", "refunded", "pending"}


def test_every_line_of_the_demo_world_keeps_product_quantity_price_and_discount(
    tables: dict[str, pd.DataFrame], sold: Store
) -> None:
    rows = [
        (int(row.order_id), row.line_id, row.product_id, row.product_name, row.quantity, f"{row.discount_amount:.2f}",
         f"{row.unit_price_amount:.2f}" if row.quantity else None)
        for row in tables["shop_order_lines"].itertuples()
    ]  # fmt: skip
    found = [
        (order["id"], line["id"] % 1000, line["sku"], line["name"], line["quantity"],
         str(Decimal(line["subtotal"]) - Decimal(line["total"])),
         str(Decimal(line["subtotal"]) / line["quantity"]) if line["quantity"] else None)
        for order in sold.everything("/orders") for line in order["line_items"]
    ]  # fmt: skip
    assert found == sorted(rows)
    shelves = {product["sku"]: product["categories"][0]["name"] for product in sold.everything("/products")}
    assert shelves == dict(tables["shop_order_lines"][["product_id", "category"]].itertuples(index=False))


def test_every_refund_that_names_an_order_keeps_goods_tax_shipping_and_time(
    tables: dict[str, pd.DataFrame], sold: Store
) -> None:
    rows = tables["shop_refunds"].dropna(subset=["order_id"])
    assert len(rows) > 10
    found = sold.everything("/refunds")
    parts = [
        tuple(-sum((Decimal(line[name]) for line in refund[lines]), Decimal(0)) for lines, name in [
            ("line_items", "total"), ("line_items", "total_tax"), ("shipping_lines", "total")
        ])
        for refund in found
    ]  # fmt: skip
    names = ["amount", "tax_amount", "shipping_amount"]
    assert parts == [tuple(Decimal(f"{row[name]:.2f}") for name in names) for _, row in rows.iterrows()]
    assert [Decimal(refund["amount"]) for refund in found] == [sum(each, Decimal(0)) for each in parts]
    assert [str(refund["parent_id"]) for refund in found] == list(rows["order_id"])
    assert [refund["date_created_gmt"] for refund in found] == outlet_times(rows["refunded_at"])
    refunded = {order["id"] for order in sold.everything("/orders") if order["refunds"]}
    assert refunded == {refund["parent_id"] for refund in found}


def test_every_customer_of_the_demo_world_keeps_name_contact_consent_and_times(
    tables: dict[str, pd.DataFrame], sold: Store
) -> None:
    rows, found = tables["shop_customers"], sold.everything("/customers", role="all")
    assert [customer["username"] for customer in found] == [text.lower() for text in rows["customer_id"]]
    for name in ("first_name", "last_name", "email"):
        assert [customer[name] for customer in found] == list(rows[name])
    assert [customer["billing"]["phone"] or None for customer in found] == [
        phone if world.known(phone) else None for phone in rows["phone"]
    ]
    assert {customer["billing"]["country"] for customer in found} >= {"GB"}
    agreed = [{meta["key"]: meta["value"] for meta in customer["meta_data"]} for customer in found]
    assert [each[world.OPT_IN_KEY] == "yes" for each in agreed] == list(rows["accepts_marketing"])
    assert [customer["date_created_gmt"] for customer in found] == outlet_times(rows["created_at"])
    assert [customer["date_modified_gmt"] for customer in found] == outlet_times(rows["updated_at"])


def test_the_same_tables_make_the_same_records(tables: dict[str, pd.DataFrame]) -> None:
    assert world.records(tables) == world.records({name: rows.copy() for name, rows in tables.items()})
    assert all(part == [] for part in world.records({}).values())


def test_a_time_that_came_twice_is_the_later_one_and_one_that_never_was_lies_an_hour_on() -> None:
    times = pd.to_datetime(["2025-10-26 01:30:00", "2025-03-30 01:30:00", "2025-07-01 01:30:00"])
    row = dict.fromkeys(["email", "phone", "first_name", "last_name", "country", "accepts_marketing", "updated_at"])
    people = pd.DataFrame([{**row, "customer_id": f"OUT-{n}", "created_at": at} for n, at in enumerate(times, 1)])
    found = world.records({"shop_customers": people})["customers"]
    assert [(customer["date_created"][11:], customer["date_created_gmt"][11:]) for customer in found] == [
        ("01:30:00", "01:30:00"),
        ("02:30:00", "01:30:00"),
        ("01:30:00", "00:30:00"),
    ]
