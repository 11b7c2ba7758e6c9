"""A small WooCommerce store for the connector's tests, and what of it is landed.

What lives here: the store's records and the comparison of both sides. What does not: any test.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from perennial.sandbox.woocommerce.api import WoocommerceApi
from tests.support.vendor import VendorWorld, vendor_world

START = datetime(2026, 1, 5, 12)
KEY_ENV, KEY = "VENDOR_KEY", "ck_sandbox"
PAGE = 10


def at(minutes: float) -> str:
    return (START + timedelta(minutes=minutes)).isoformat(timespec="seconds")


def order(number: int, modified: str | None = None, **more: Any) -> dict[str, Any]:
    """An order of two lines; every third is a guest's."""
    canary = f"canary-{number}@leak.test"
    lines = [
        {"id": number * 10 + place, "name": f"Thing {place}", "product_id": 1 + (number + place) % 7, "quantity": place,
         "subtotal": f"{10 * place}.00", "total": f"{9 * place}.00", "total_tax": "1.00", "sku": f"SKU-{place}"}
        for place in (1, 2)
    ]  # fmt: skip
    return {
        "id": number, "status": "completed", "date_created_gmt": at(number),
        "date_modified_gmt": modified or at(number),
        "customer_id": 0 if number % 3 == 0 else 1 + number % 12, "line_items": lines, "total": "29.00",
        "discount_total": "3.00", "total_tax": "2.00", "billing": {"email": canary, "last_name": f"Canary{number}"},
        **more,
    }  # fmt: skip


def customer(number: int, **more: Any) -> dict[str, Any]:
    return {
        "id": number, "date_created_gmt": at(-number), "email": f"canary-c{number}@leak.test", "first_name": "Canary",
        "billing": {"phone": f"+44113496{number:04}"}, **more,
    }  # fmt: skip


def product(number: int, **more: Any) -> dict[str, Any]:
    shelves = [{"id": 20, "name": "home", "slug": "home"}]
    return {"id": number, "name": f"Thing {number}", "date_created_gmt": at(number), "categories": shelves, **more}


def refund(number: int, order_id: int, **more: Any) -> dict[str, Any]:
    line = {"id": number * 10, "quantity": -1, "total": "-4.00", "total_tax": "-0.80"}
    return {
        "id": number, "parent_id": order_id, "date_created_gmt": at(order_id), "amount": "4.80", "line_items": [line],
        **more,
    }  # fmt: skip


def stocked(api: WoocommerceApi) -> WoocommerceApi:
    """57 orders, 25 of them modified in one second; 24 customers, 12 products, 13 refunds. Pages hold ten."""
    api.seed("customers", [customer(number) for number in range(1, 25)])
    api.seed("products", [product(number) for number in range(1, 13)])
    api.seed("orders", [order(number, at(100) if 20 <= number < 45 else None) for number in range(1, 58)])
    api.seed("refunds", [refund(1000 + number, number) for number in range(2, 15)])
    return api


@contextmanager
def shop(root: Path, api: WoocommerceApi | None = None, **settings: Any) -> Iterator[VendorWorld]:
    settings = {"key_env": KEY_ENV, "page_size": PAGE, "timeout_seconds": 5, "call_seconds": 20, **settings}
    with vendor_world(root, api or stocked(WoocommerceApi()), **settings) as world:
        world.env[KEY_ENV] = KEY
        yield world


def landed(world: VendorWorld) -> dict[str, dict[str, Any]]:
    """Collection → what counts of it now: key → a few of its values."""
    return {
        "orders": {
            key: (row["status"], row["updated_at"], row["total_amount"], row["customer_id"], row["is_deleted"])
            for key, row in world.newest("orders", "order_id").items()
        },
        "lines": {
            row["line_id"]: (row["order_id"], row["quantity"], row["total_amount"])
            for row in world.query(
                f"select lines.* from {world.files('order_lines')} as lines semi join (select * from"
                f" {world.files('orders')} where not is_superseded qualify row_number() over (partition by order_id"
                f" order by load_id desc) = 1) as orders on lines.order_id = orders.order_id"
                f" and lines.updated_at = orders.updated_at where not lines.is_superseded"
            )
        },
        "products": {
            key: (row["name"], row["updated_at"]) for key, row in world.newest("products", "product_id").items()
        },
        "customers": {
            key: (row["email"], row["phone"])
            for key, row in world.newest("customers", "customer_id").items()
            if not row["is_deleted"]
        },
        "refunds": {
            key: (row["order_id"], row["total_amount"])
            for key, row in world.newest("refunds", "refund_id").items()
            if not row["is_deleted"]
        },
    }


def held(world: VendorWorld) -> dict[str, dict[str, Any]]:
    """The same of the store itself."""
    records = world.vendor.held()
    orders = records["orders"].values()
    return {
        "orders": {
            str(each["id"]): (
                each["status"], datetime.fromisoformat(each["date_modified_gmt"]), Decimal(each["total"]),
                str(each["customer_id"]) if each["customer_id"] else None, each["status"] == "trash",
            )
            for each in orders
        },
        "lines": {
            str(line["id"]): (str(each["id"]), line["quantity"], Decimal(line["total"]))
            for each in orders
            for line in each["line_items"]
        },
        "products": {
            key: (each["name"], datetime.fromisoformat(each["date_modified_gmt"]))
            for key, each in records["products"].items()
        },
        "customers": {key: (each["email"], each["billing"]["phone"]) for key, each in records["customers"].items()},
        "refunds": {key: (str(each["parent_id"]), Decimal(each["amount"])) for key, each in records["refunds"].items()},
    }  # fmt: skip


KEYS = {
    "orders": "order_id", "order_lines": "order_id, line_id", "products": "product_id", "customers": "customer_id",
    "refunds": "refund_id",
}  # fmt: skip


def duplicates(world: VendorWorld) -> dict[str, int]:
    return {table: count for table, key in KEYS.items() if (count := world.duplicates(table, key))}


def pages_asked(world: VendorWorld, start: int = 0) -> list[str]:
    """The lists that whole pages were asked of, from a place in the journal on."""
    entries = world.sandbox.journal.of("woocommerce")[start:]
    return [
        entry.path.rpartition("/")[2] for entry in entries if f"per_page={world.source['page_size']}" in entry.query
    ]
