"""A Shopify store on loopback and a home that lands from it: small records, and both sides' rows to compare.

Every value is invented. What the store holds is told here in Python, apart from the connector's SQL.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from perennial.sandbox.shopify.api import ShopifyApi
from perennial.sources.shopify import adapter, bulk
from tests.support.vendor import VendorWorld, vendor_world

BEGINNING = datetime(2026, 1, 1, tzinfo=UTC)
LINES = {"order_lines": ("orders", "order_id"), "checkout_lines": ("checkouts", "checkout_id")}
KEYS = {
    "customers": "customer_id", "products": "product_id", "orders": "order_id", "refunds": "refund_id",
    "checkouts": "checkout_id", "order_lines": "(order_id, line_id)", "checkout_lines": "(checkout_id, line_id)",
}  # fmt: skip


@contextmanager
def store(
    root: Path, api: ShopifyApi | None = None, *, only: Sequence[str] = (), **settings: Any
) -> Iterator[VendorWorld]:
    """`only`: the streams that are read, none for all of them. Bulk operations are asked after quickly: nobody waits
    for the sandbox's."""
    patient, queries = bulk.POLL_SECONDS, adapter.QUERIES
    bulk.POLL_SECONDS = (0.01, 0.05)
    adapter.QUERIES = tuple(each for each in queries if not only or each.name in only)
    try:
        with vendor_world(root, api or ShopifyApi(limits=1000), shop="example", **settings) as world:
            yield world
    finally:
        bulk.POLL_SECONDS, adapter.QUERIES = patient, queries


def at(minutes: float) -> str:
    """So many minutes after the beginning."""
    return (BEGINNING + timedelta(minutes=minutes)).isoformat(timespec="seconds").replace("+00:00", "Z")


def gid(kind: str, number: int) -> str:
    return f"gid://shopify/{kind}/{number}"


def bag(amount: str, currency: str = "GBP") -> dict[str, Any]:
    return {"shopMoney": {"amount": amount, "currencyCode": currency}}


def customer(number: int, updated: str | None = None, **more: Any) -> dict[str, Any]:
    email = {"emailAddress": f"c{number}@example.com", "marketingState": "SUBSCRIBED",
             "marketingOptInLevel": "SINGLE_OPT_IN", "marketingUpdatedAt": at(1)}  # fmt: skip
    return {
        "id": gid("Customer", number), "firstName": f"First {number}", "lastName": f"Last {number}",
        "createdAt": at(0), "updatedAt": updated or at(number), "state": "ENABLED", "tags": [], "locale": "en",
        "defaultEmailAddress": email, "defaultPhoneNumber": None, "defaultAddress": {"countryCodeV2": "GB"}, **more,
    }  # fmt: skip


def product(number: int, updated: str | None = None, **more: Any) -> dict[str, Any]:
    return {
        "id": gid("Product", number), "title": f"Thing {number}", "productType": "Things", "status": "ACTIVE",
        "vendor": "Example", "createdAt": at(0), "updatedAt": updated or at(number), **more,
    }  # fmt: skip


def line(
    number: int, quantity: int = 1, price: str = "9.99", discount: str | None = None, **more: Any
) -> dict[str, Any]:
    discounts = [] if discount is None else [{"allocatedAmountSet": bag(discount)}]
    return {
        "id": gid("LineItem", number), "title": f"Line {number}", "quantity": quantity, "sku": f"SKU-{number}",
        "product": {"id": gid("Product", 1), "productType": "Things"}, "variant": {"id": gid("ProductVariant", 11)},
        "originalUnitPriceSet": bag(price), "discountAllocations": discounts, **more,
    }  # fmt: skip


def order(
    number: int, updated: str | None = None, lines: int = 2, currency: str = "GBP", **more: Any
) -> dict[str, Any]:
    return {
        "id": gid("Order", number), "name": f"#{number}", "email": f"o{number}@example.com", "phone": None,
        "createdAt": at(0), "processedAt": at(0), "updatedAt": updated or at(number), "cancelledAt": None,
        "closedAt": None, "test": False, "currencyCode": currency, "sourceName": "web",
        "displayFinancialStatus": "PAID", "displayFulfillmentStatus": "UNFULFILLED",
        "subtotalPriceSet": bag("19.98", currency), "totalDiscountsSet": bag("0.00", currency),
        "totalTaxSet": bag("3.33", currency), "totalShippingPriceSet": bag("4.00", currency),
        "totalPriceSet": bag("27.31", currency), "customer": {"id": gid("Customer", number)},
        "lineItems": [line(number * 1000 + place, place) for place in range(1, lines + 1)], "refunds": [], **more,
    }  # fmt: skip


def refund(number: int, lines: int = 1, amount: str = "5.00", tax: str = "1.00", **more: Any) -> dict[str, Any]:
    items = [
        {"id": gid("RefundLineItem", number * 1000 + place), "quantity": 1, "subtotalSet": bag(amount),
         "totalTaxSet": bag(tax)}
        for place in range(1, lines + 1)
    ]  # fmt: skip
    total = lines * (Decimal(amount) + Decimal(tax))
    return {"id": gid("Refund", number), "createdAt": at(5), "updatedAt": at(5), "refundLineItems": items,
            "totalRefundedSet": bag(f"{total}"), **more}  # fmt: skip


def refunded(number: int, refunds: list[dict[str, Any]], updated: str | None = None, **more: Any) -> dict[str, Any]:
    return order(number, updated, refunds=refunds, displayFinancialStatus="PARTIALLY_REFUNDED", **more)


def checkout(number: int, updated: str | None = None, lines: int = 2, **more: Any) -> dict[str, Any]:
    items = [
        {"id": gid("AbandonedCheckoutLineItem", number * 1000 + place), "quantity": place,
         "product": {"id": gid("Product", 1)}, "originalUnitPriceSet": bag("9.99")}
        for place in range(1, lines + 1)
    ]  # fmt: skip
    return {
        "id": gid("AbandonedCheckout", number), "createdAt": at(0), "updatedAt": updated or at(number),
        "completedAt": None, "totalPriceSet": bag("29.97"), "customer": {"id": gid("Customer", number)},
        "customAttributes": [], "lineItems": items, **more,
    }  # fmt: skip


def fill(world: VendorWorld, count: int = 30) -> None:
    """So many of everything; every fifth order has a refund."""
    seed = world.vendor.seed
    seed("customers", [customer(number) for number in range(1, count + 1)])
    seed("products", [product(number) for number in range(1, count + 1)])
    plain = [order(number) for number in range(1, count + 1) if number % 5]
    seed("orders", plain)
    seed("orders", [refunded(number, [refund(number)]) for number in range(5, count + 1, 5)])
    seed("abandonedCheckouts", [checkout(number) for number in range(1, count + 1)])


def by_pages(world: VendorWorld) -> None:
    """No bulk operation gets through: everything is paged."""
    world.arm("bulk_failed", times=100, match="bulkOperationRunQuery")


# --- what the store holds, as rows

Told = dict[str, dict[Any, tuple[Any, ...]]]


def told(held: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> Told:
    """Table → key → the facts compared, from the store's records."""
    customers, orders = held["customers"], held["orders"]
    checkouts = held["abandonedCheckouts"]
    return {
        "customers": {
            _id(each): (_at(each["updatedAt"]), _inner(each, "defaultEmailAddress", "emailAddress"),
                        _inner(each, "defaultPhoneNumber", "phoneNumber"), each.get("firstName"))
            for each in customers.values()
        },
        "products": {_id(each): (_at(each["updatedAt"]), each["title"]) for each in held["products"].values()},
        "orders": {
            _id(each): (_at(each["updatedAt"]), _live(customers, each["customer"]), each["currencyCode"],
                        _money(each["totalPriceSet"]), each["displayFinancialStatus"])
            for each in orders.values()
        },
        "order_lines": {
            (_id(each), _id(line)): (Decimal(line["quantity"]), _money(line["originalUnitPriceSet"]),
                                     sum((_money(part["allocatedAmountSet"]) for part in line["discountAllocations"]),
                                         Decimal(0)))
            for each in orders.values() for line in each["lineItems"]
        },
        "refunds": {
            _id(part): (_id(each), _sum(part, "subtotalSet"), _sum(part, "totalTaxSet"),
                        _money(part["totalRefundedSet"]))
            for each in orders.values() for part in each["refunds"]
        },
        "checkouts": {
            _id(each): (_at(each["updatedAt"]), _live(customers, each["customer"]), _money(each["totalPriceSet"]))
            for each in checkouts.values()
        },
        "checkout_lines": {
            (_id(each), _id(line)): (Decimal(line["quantity"]), _money(line["originalUnitPriceSet"]))
            for each in checkouts.values() for line in each["lineItems"]
        },
    }  # fmt: skip


_COLUMNS = {
    "customers": ("updated_at", "email", "phone", "first_name"),
    "products": ("updated_at", "title"),
    "orders": ("updated_at", "customer_id", "currency", "total_amount", "financial_status"),
    "order_lines": ("quantity", "unit_price_amount", "discount_amount"),
    "refunds": ("order_id", "goods_amount", "tax_amount", "total_amount"),
    "checkouts": ("updated_at", "customer_id", "total_amount"),
    "checkout_lines": ("quantity", "unit_price_amount"),
}


def landed(world: VendorWorld) -> Told:
    """Table → key → the same facts, from the rows in force at home."""
    found: Told = {}
    for table, columns in _COLUMNS.items():
        keys = KEYS[table].strip("()").split(", ")
        rows = [each for each in in_force(world, table) if not each.get("is_deleted")]
        found[table] = {
            tuple(row[key] for key in keys) if len(keys) > 1 else row[keys[0]]: tuple(row[each] for each in columns)
            for row in rows
        }
        assert len(found[table]) == len(rows), f"{table} holds a key twice"
    return found


def in_force(world: VendorWorld, table: str) -> list[dict[str, Any]]:
    """The landed rows that count, as dbt_project/macros/staging.sql says it."""
    if not list(world.home.landed_table("shopify", table).glob("*.store.parquet")):
        return []
    keys = KEYS[table].strip("()")
    parent = LINES.get(table, ("", keys))[1]
    newest = f"max(case when is_change and not is_replacement then load_id end) over (partition by {keys})"
    replaced = f"max(case when is_replacement then load_id end) over (partition by {parent})"
    return world.query(
        f"select * exclude (newest, replaced) from (select *, {newest} as newest, {replaced} as replaced"
        f" from {world.files(table)} where not is_superseded)"
        f" where load_id >= greatest(coalesce(newest, ''), coalesce(replaced, ''))"
    )


def assert_same(world: VendorWorld) -> None:
    """Rows landed = rows held, none twice, in every table that is read."""
    read = {rows.table for query in adapter.QUERIES for form in query.forms.values() for rows in form.rows}
    here, there = landed(world), told(world.vendor.held())
    for table, rows in ((table, rows) for table, rows in there.items() if table in read):
        missing, strange = set(rows) - set(here[table]), set(here[table]) - set(rows)
        assert not missing, f"{table}: {len(missing)} rows did not arrive, such as {sorted(missing)[:3]}"
        assert not strange, f"{table}: {len(strange)} rows are not held there, such as {sorted(strange)[:3]}"
        other = [(key, here[table][key], rows[key]) for key in rows if here[table][key] != rows[key]]
        assert not other, f"{table}: {len(other)} rows differ, such as {other[:3]}"
        if rows and table not in LINES:  # lines come again as a whole with a new version of their parent
            assert world.duplicates(table, KEYS[table]) == 0, f"{table} was landed again unchanged"


def _id(record: Mapping[str, Any]) -> str:
    return str(record["id"]).rsplit("/", 1)[1]


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=None)


def _money(held: Mapping[str, Any]) -> Decimal:
    return Decimal(held["shopMoney"]["amount"])


def _sum(part: Mapping[str, Any], name: str) -> Decimal:
    return sum((_money(each[name]) for each in part["refundLineItems"]), Decimal(0))


def _inner(record: Mapping[str, Any], name: str, inner: str) -> Any:
    return (record.get(name) or {}).get(inner)


def _live(customers: Mapping[str, Any], reference: Mapping[str, Any] | None) -> str | None:
    """The reference's number; the tests give deleted customers' orders anew, without one."""
    return None if reference is None else _id(reference)
