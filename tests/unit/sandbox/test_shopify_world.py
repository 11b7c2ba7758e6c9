"""The demo world at the sandbox's Shopify: every fact that Shopify can carry is found again over HTTP."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pandas as pd
import pytest

from perennial.demo.make import make_world
from perennial.demo.scale import Scale
from perennial.sandbox.shopify.world import records
from tests.unit.sandbox.shopify_shop import Shop, open_shop

Tables = dict[str, pd.DataFrame]
Found = dict[str, Any]
Bulk = tuple[list[Found], dict[str, list[Found]]]  # the roots, and by their ids what hangs on them
Refunds = list[tuple[Found, Found]]
_MONEY = " fragment m on MoneyBag { shopMoney{ amount currencyCode } }"
_CHECKOUTS = (
    """{ abandonedCheckouts{ edges{ node{ id createdAt updatedAt completedAt totalPriceSet{ ...m } customer{ id }
    customAttributes{ key value }
    lineItems{ edges{ node{ id quantity product{ id } originalUnitPriceSet{ ...m } } } } } } } }"""
    + _MONEY
)
_CUSTOMERS = """{ customers{ edges{ node{ legacyResourceId firstName lastName createdAt updatedAt numberOfOrders
    defaultEmailAddress{ emailAddress marketingState marketingUpdatedAt } defaultPhoneNumber{ phoneNumber }
    defaultAddress{ country countryCodeV2 } } } } }"""
_PRODUCTS = """{ products{ edges{ node{ legacyResourceId title productType updatedAt
    metafield(namespace:"custom", key:"warranty_days"){ value } } } } }"""
_ORDERS = (
    """{ orders{ edges{ node{ id email phone processedAt updatedAt cancelledAt test currencyCode
    displayFinancialStatus displayFulfillmentStatus subtotalPriceSet{ ...m } totalDiscountsSet{ ...m }
    totalTaxSet{ ...m } totalShippingPriceSet{ ...m } totalPriceSet{ ...m } customer{ id }
    refunds{ id createdAt totalRefundedSet{ ...m } }
    lineItems{ edges{ node{ id title quantity currentQuantity product{ id productType }
    originalUnitPriceSet{ ...m } discountAllocations{ allocatedAmountSet{ ...m } } } } } } } } }"""
    + _MONEY
)
_REFUNDS = (
    """query($ids:[ID!]!){ nodes(ids:$ids){ ... on Order{ id customer{ id } refunds{ id createdAt
    refundLineItems(first:50){ nodes{ quantity lineItem{ id } subtotalSet{ ...m } totalTaxSet{ ...m } } }
    refundShippingLines(first:5){ nodes{ subtotalAmountSet{ ...m } } }
    orderAdjustments(first:5){ nodes{ amountSet{ ...m } taxAmountSet{ ...m } } } } } } }"""
    + _MONEY
)


@pytest.fixture(scope="module")
def tables() -> Tables:
    world = make_world(Scale(people=200, years=2))
    return {table: frame for (source, table), frame in world.tables.items() if source == "shop"}


@pytest.fixture(scope="module")
def shop(tables: Tables) -> Iterator[Shop]:
    with open_shop(limits=1000) as opened:
        for collection, found in records(tables).items():
            opened.api.seed(collection, found)
        yield opened


def in_bulk(shop: Shop, query: str) -> Bulk:
    lines = shop.lines(shop.finished(query)["url"])
    children: dict[str, list[Found]] = {}
    for line in lines:
        if "__parentId" in line:
            children.setdefault(line["__parentId"], []).append(line)
    return [line for line in lines if "__parentId" not in line], children


@pytest.fixture(scope="module")
def orders(shop: Shop) -> Bulk:
    return in_bulk(shop, _ORDERS)


def number(reference: Found | str | None) -> int | None:
    if reference is None:
        return None
    return int((reference if isinstance(reference, str) else reference["id"]).rsplit("/", 1)[1])


def amount(bag: Found) -> Decimal:
    return Decimal(bag["shopMoney"]["amount"])


def time(text: str | None) -> pd.Timestamp | None:
    return None if text is None else pd.Timestamp(text).tz_localize(None)


def rows(frame: pd.DataFrame, *columns: str) -> set[tuple[Any, ...]]:
    """A table's rows as the tests compare them: amounts exact, missing values none."""
    plain = frame[list(columns)].astype(object).where(frame[list(columns)].notna(), None)
    return {
        tuple(Decimal(str(value)) if isinstance(value, float) else value for value in row)
        for row in plain.itertuples(index=False, name=None)
    }


def newest(orders: pd.DataFrame) -> pd.DataFrame:
    return orders.sort_values("updated_at", kind="stable").drop_duplicates("order_id", keep="last")


def status(order: Found) -> str | None:
    """The contract's word for an order, from what Shopify shows."""
    if order["test"] or order["cancelledAt"]:
        return "test" if order["test"] else "cancelled"
    if order["displayFinancialStatus"] == "PAID":
        return "fulfilled" if order["displayFulfillmentStatus"] == "FULFILLED" else "paid"
    words = {"VOIDED": "failed", None: None}
    return words.get(order["displayFinancialStatus"], str(order["displayFinancialStatus"]).lower())


def test_customers_come_back_whole(shop: Shop, tables: Tables) -> None:
    found, _ = in_bulk(shop, _CUSTOMERS)
    wanted = ["customer_id", "email", "phone", "first_name", "last_name", "country", "accepts_marketing"]
    assert {
        (
            int(each["legacyResourceId"]),
            each["defaultEmailAddress"]["emailAddress"],
            (each["defaultPhoneNumber"] or {}).get("phoneNumber"),
            each["firstName"],
            each["lastName"],
            each["defaultAddress"]["country"],
            each["defaultEmailAddress"]["marketingState"] == "SUBSCRIBED",
            time(each["createdAt"]),
            time(each["updatedAt"]),
        )
        for each in found
    } == rows(tables["shop_customers"], *wanted, "created_at", "updated_at")
    assert {each["defaultAddress"]["countryCodeV2"] for each in found} <= {"GB", "IE", "FR", "US", "DE"}
    counted = newest(tables["shop_orders"])["customer_id"].value_counts().to_dict()
    assert {int(each["legacyResourceId"]): each["numberOfOrders"] for each in found} == {
        customer: str(counted.get(customer, 0)) for customer in tables["shop_customers"]["customer_id"]
    }


def test_consent_to_mail_keeps_its_time(shop: Shop, tables: Tables) -> None:
    consents = tables["consents"]
    found, _ = in_bulk(shop, _CUSTOMERS)
    assert {
        (int(each["legacyResourceId"]), time(each["defaultEmailAddress"]["marketingUpdatedAt"]))
        for each in found
        if each["defaultEmailAddress"]["marketingUpdatedAt"]
    } == rows(consents[consents["channel"] == "email"], "contact_ref", "changed_at")


def test_products_come_back_whole(shop: Shop, tables: Tables) -> None:
    found, _ = in_bulk(shop, _PRODUCTS)
    assert {
        (
            int(each["legacyResourceId"]),
            each["title"],
            each["productType"],
            int(each["metafield"]["value"]),
            time(each["updatedAt"]),
        )
        for each in found
    } == rows(tables["shop_products"], "product_id", "product_name", "category", "warranty_days", "updated_at")


def test_the_newest_version_of_every_order_comes_back_whole(orders: Bulk, tables: Tables) -> None:
    found, _ = orders
    assert {
        (
            number(each),
            number(each["customer"]),
            each["email"],
            each["phone"],
            time(each["processedAt"]),
            each["currencyCode"],
            amount(each["subtotalPriceSet"]) + amount(each["totalDiscountsSet"]),
            amount(each["totalDiscountsSet"]),
            amount(each["totalTaxSet"]),
            amount(each["totalShippingPriceSet"]),
            amount(each["totalPriceSet"]),
            status(each),
            time(each["cancelledAt"]),
            time(each["updatedAt"]),
        )
        for each in found
    } == rows(newest(tables["shop_orders"]), *tables["shop_orders"].columns)
    assert {status(each) for each in found} >= {"fulfilled", "paid", "cancelled", "failed", "pending", "test"}


def test_order_lines_come_back_whole_with_the_category_of_their_product(orders: Bulk, tables: Tables) -> None:
    _, lines = orders
    assert {
        (
            number(order),
            (number(each) or 0) % 100,
            number(each["product"]),
            each["title"],
            each["product"]["productType"],
            each["quantity"],
            amount(each["originalUnitPriceSet"]),
            sum((amount(one["allocatedAmountSet"]) for one in each["discountAllocations"]), Decimal(0)),
        )
        for order, held in lines.items()
        for each in held
    } == rows(tables["shop_order_lines"], *tables["shop_order_lines"].columns)


@pytest.fixture(scope="module")
def refunds(shop: Shop, orders: Bulk) -> Refunds:
    """Every refund with its order, by the ids of the orders that have one."""
    wanted = [each["id"] for each in orders[0] if each["refunds"]]
    found: list[Found] = []
    for start in range(0, len(wanted), 7):
        found += shop.data(_REFUNDS, ids=wanted[start : start + 7])["nodes"]
    return [(order, refund) for order in found for refund in order["refunds"]]


def parts(refund: Found, connection: str, name: str) -> Decimal:
    return sum((amount(each[name]) for each in refund[connection]["nodes"]), Decimal(0))


def test_refunds_that_name_an_order_come_back_whole(refunds: Refunds, tables: Tables) -> None:
    held = tables["shop_refunds"]
    assert {
        (
            number(refund),
            number(order),
            number(order["customer"]),
            time(refund["createdAt"]),
            parts(refund, "refundLineItems", "subtotalSet") - parts(refund, "orderAdjustments", "amountSet"),
            parts(refund, "refundLineItems", "totalTaxSet") - parts(refund, "orderAdjustments", "taxAmountSet"),
            parts(refund, "refundShippingLines", "subtotalAmountSet"),
        )
        for order, refund in refunds
    } == rows(
        held[held["order_id"].notna()],
        *("refund_id", "order_id", "customer_id", "refunded_at", "amount", "tax_amount", "shipping_amount"),
    )
    assert held["order_id"].isna().any()  # these have no place at Shopify
    assert not any(refund["orderAdjustments"]["nodes"] for _, refund in refunds)  # the lines bear all of it


def test_a_refund_in_bulk_says_the_whole_of_it(orders: Bulk, tables: Tables) -> None:
    found, _ = orders
    held = tables["shop_refunds"].dropna(subset="order_id")
    whole = {
        row.refund_id: sum(
            (Decimal(str(each)) for each in (row.amount, row.tax_amount, row.shipping_amount)), Decimal(0)
        )
        for row in held.itertuples()
    }
    assert {number(each): amount(each["totalRefundedSet"]) for order in found for each in order["refunds"]} == whole


def test_what_went_back_is_taken_from_the_quantities(orders: Bulk, refunds: Refunds) -> None:
    _, lines = orders
    current = {each["id"]: each["quantity"] - each["currentQuantity"] for held in lines.values() for each in held}
    back: dict[str, int] = {}
    for _, refund in refunds:
        for each in refund["refundLineItems"]["nodes"]:
            back[each["lineItem"]["id"]] = back.get(each["lineItem"]["id"], 0) + each["quantity"]
    assert {line: taken for line, taken in current.items() if taken} == back


def test_checkouts_come_back_whole_with_the_addresses_of_guests(shop: Shop, tables: Tables) -> None:
    found, lines = in_bulk(shop, _CHECKOUTS)
    assert {
        (
            number(each),
            number(each["customer"]),
            {one["key"]: one["value"] for one in each["customAttributes"]}.get("email"),
            time(each["createdAt"]),
            time(each["updatedAt"]),
            time(each["completedAt"]),
            amount(each["totalPriceSet"]),
            each["totalPriceSet"]["shopMoney"]["currencyCode"],
        )
        for each in found
    } == rows(tables["shop_checkouts"], *tables["shop_checkouts"].columns)
    assert {
        (
            number(checkout),
            (number(each) or 0) % 100,
            number(each["product"]),
            each["quantity"],
            amount(each["originalUnitPriceSet"]),
        )
        for checkout, held in lines.items()
        for each in held
    } == rows(tables["shop_checkout_lines"], *tables["shop_checkout_lines"].columns)


def test_a_guests_address_can_make_a_customer_as_at_shopify(tables: Tables) -> None:
    checkouts = tables["shop_checkouts"]
    asked = {name: tables[name] for name in ("shop_customers", "shop_checkouts")}
    plain, guests = records(asked), records(asked, guests=True)
    addresses = {str(each).strip().lower() for each in checkouts["email"].dropna()}
    added = {each["id"]: each for each in guests["customers"] if each["state"] == "DISABLED"}
    assert len(guests["customers"]) == len(plain["customers"]) + len(added)
    assert {each["defaultEmailAddress"]["emailAddress"].strip().lower() for each in added.values()} == addresses
    for before, after in zip(plain["abandonedCheckouts"], guests["abandonedCheckouts"], strict=True):
        if before["customer"] is None and before["customAttributes"]:
            written = before["customAttributes"][0]["value"].strip().lower()
            guest = added[after["customer"]["id"]]
            assert guest["defaultEmailAddress"]["emailAddress"].strip().lower() == written
        else:
            assert after == before


def test_the_same_world_gives_the_same_records(tables: Tables) -> None:
    assert json.dumps(records(tables)) == json.dumps(records(dict(reversed(tables.items()))))


def test_a_refund_of_an_order_without_lines_is_an_adjustment(tables: Tables) -> None:
    bare = {name: tables[name] for name in ("shop_orders", "shop_refunds")}
    refunds = [refund for order in records(bare)["orders"] for refund in order["refunds"]]
    first = tables["shop_refunds"].iloc[0]
    (adjustment,) = refunds[0]["orderAdjustments"]
    assert refunds[0]["refundLineItems"] == []
    assert amount(adjustment["amountSet"]) == -Decimal(str(first["amount"]))
    assert amount(adjustment["taxAmountSet"]) == -Decimal(str(first["tax_amount"]))
