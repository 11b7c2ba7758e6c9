"""The demo world's outlet as a WooCommerce store would hold it: customers, products, orders and refunds.

What lives here: contract tables → records of the API. What does not: the API. What a store has no place for stays out:
refunds that name no order, the time of a cancellation (the order's date_modified is then or later), the price of a line
with quantity 0, exchange rates. A store numbers everything: OUT-00001 is customer 1 with the username out-00001,
SKU-083 is product 5084 with that sku, order 700001 keeps its number, refund R1 is 5000001. Times without a zone are the
outlet's own, as its source says. Stores keep consent in meta_data under a key of a plugin's: here OPT_IN_KEY.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd

from perennial.demo.contacts import COUNTRIES
from perennial.demo.orders import OUTLET_WORDS
from perennial.demo.scale import TIME_ZONE
from perennial.sandbox.woocommerce.shapes import Record, complete

OPT_IN_KEY = "marketing_opt_in"
TEST_KEY = "_wcpay_mode"  # what WooPayments notes on an order paid in its test mode
_CODES = {name: code for code, name in COUNTRIES.items()}
_WORDS = {
    "fulfilled": "completed", "partially_refunded": "completed", "test": "completed", "paid": "processing",
    "partially_paid": "partial-payment",
}  # fmt: skip
_CONTRACT_WORDS = {theirs: ours for ours, theirs in OUTLET_WORDS.items()}
_PAID = ("processing", "completed", "refunded", "partial-payment")
_PRODUCTS_FROM, _REFUNDS_FROM, _LINES_PER_ORDER = 5_001, 5_000_000, 1_000


def records(tables: Mapping[str, pd.DataFrame]) -> dict[str, list[Record]]:
    """Collection → whole records. Which refunds an order has, it says once they are seeded."""
    lines = _by_order(tables.get("shop_order_lines"))
    orders = [_order(row, lines.get(str(row.order_id), [])) for row in _rows(tables.get("shop_orders"))]
    buyers = {order["customer_id"] for order in orders if order["status"] in _PAID}
    by_id = {order["id"]: order for order in orders}
    refunds = [_refund(row, by_id) for row in _rows(tables.get("shop_refunds")) if known(row.order_id)]
    found = {
        "customers": [_customer(row, buyers) for row in _rows(tables.get("shop_customers"))],
        "products": _products(tables),
        "orders": orders,
        "refunds": refunds,
    }
    zone = ZoneInfo(TIME_ZONE)
    return {name: [complete(name, record, zone) for record in parts] for name, parts in found.items()}


def customer_number(customer_id: object) -> int:
    return _number(customer_id)


def product_number(product_id: object) -> int:
    return _PRODUCTS_FROM + _number(product_id)


def refund_number(refund_id: object) -> int:
    return _REFUNDS_FROM + _number(refund_id)


def store_status(word: object) -> str:
    """The store's word for an order status of the contract or of the outlet; none counts as paid."""
    status = str(word) if known(word) else "paid"
    status = _CONTRACT_WORDS.get(status, status)
    return _WORDS.get(status, status)


def known(value: object) -> bool:
    return value is not None and not pd.isna(value)


def _customer(row: Any, buyers: set[int]) -> Record:
    number = customer_number(row.customer_id)
    names = {"first_name": _text(row.first_name), "last_name": _text(row.last_name)}
    agreed = [] if not known(row.accepts_marketing) else [_meta(number, OPT_IN_KEY, _yes(row.accepts_marketing))]
    return {
        "id": number,
        **_dates(created=row.created_at, modified=row.updated_at),
        "email": _text(row.email),
        **names,
        "username": str(row.customer_id).lower(),
        "billing": {**names, "country": _country(row.country), "email": _text(row.email), "phone": _text(row.phone)},
        "is_paying_customer": number in buyers,
        "meta_data": agreed,
    }


def _products(tables: Mapping[str, pd.DataFrame]) -> list[Record]:
    """The products table, or where the shop delivers none, what its lines sold."""
    lines, orders, given = tables.get("shop_order_lines"), tables.get("shop_orders"), tables.get("shop_products")
    if given is None and lines is not None and len(lines):
        given = lines.drop_duplicates("product_id").sort_values("product_id")
        given = given.assign(updated_at=None if orders is None else orders["ordered_at"].min())
    rows = list(_rows(given))
    shelves = sorted({_text(row.category) for row in rows if known(row.category)})
    return [_product(row, shelves) for row in rows]


def _product(row: Any, shelves: Sequence[str]) -> Record:
    price = _amount(_pence(row.unit_price_amount)) if hasattr(row, "unit_price_amount") else ""
    shelf = _text(row.category)
    return {
        "id": product_number(row.product_id),
        "name": _text(row.product_name),
        "sku": str(row.product_id),
        **_dates(created=row.updated_at, modified=row.updated_at),
        "price": price,
        "regular_price": price,
        "categories": [{"id": 16 + shelves.index(shelf), "name": shelf, "slug": shelf}] if shelf else [],
    }


def _order(row: Any, lines: Sequence[Any]) -> Record:
    number, status = _number(row.order_id), store_status(row.status)
    tax = _pence(row.tax_amount)
    goods = [_pence(line.unit_price_amount) * int(line.quantity) - _pence(line.discount_amount) for line in lines]
    items = [
        _item(line, number, total, line_tax)
        for line, total, line_tax in zip(lines, goods, shares(tax, goods), strict=True)
    ]
    is_test = known(row.status) and row.status == "test"
    return {
        "id": number,
        "status": status,
        "currency": _text(row.currency),
        "customer_id": customer_number(row.customer_id) if known(row.customer_id) else 0,
        **_dates(
            created=row.ordered_at,
            modified=row.updated_at,
            paid=row.ordered_at if status in _PAID else None,
            completed=row.updated_at if status == "completed" else None,
        ),
        "discount_total": _amount(_pence(row.discount_amount)),
        "shipping_total": _amount(_pence(row.shipping_amount)),
        "cart_tax": _amount(tax),
        "total_tax": _amount(tax),
        "total": _amount(_pence(row.total_amount)),
        "billing": {"email": _text(row.email), "phone": _text(row.phone)},
        "line_items": items,
        "shipping_lines": _shipping(number, _pence(row.shipping_amount)),
        "meta_data": [_meta(number, TEST_KEY, "test")] if is_test else [],
    }


def _item(line: Any, order: int, total: int, tax: int) -> Record:
    quantity = int(line.quantity)
    return {
        "id": order * _LINES_PER_ORDER + int(line.line_id),
        "name": _text(line.product_name),
        "product_id": product_number(line.product_id) if known(line.product_id) else 0,
        "quantity": quantity,
        "subtotal": _amount(total + _pence(line.discount_amount)),
        "subtotal_tax": _amount(tax),
        "total": _amount(total),
        "total_tax": _amount(tax),
        "sku": _text(line.product_id),
        "price": total / quantity / 100 if quantity else 0,
    }


def _refund(row: Any, orders: Mapping[int, Record]) -> Record:
    number, goods, tax = refund_number(row.refund_id), _pence(row.amount), _pence(row.tax_amount)
    shipping = _pence(row.shipping_amount)
    order = orders[_number(row.order_id)]
    return {
        "id": number,
        "parent_id": order["id"],
        **_dates(created=row.refunded_at),
        "amount": _amount(goods + tax + shipping),
        "line_items": _refunded_items(order["line_items"], number, goods, tax),
        "shipping_lines": _shipping(number, -shipping),
    }


def _refunded_items(items: Sequence[Record], refund: int, goods: int, tax: int) -> list[Record]:
    """The refunded goods on the order's lines, first lines first; a line given back in part keeps its quantity."""
    parts, left = [], goods
    for item in items:
        part = min(left, _pence(item["total"]))
        if part > 0:
            parts.append((item, part))
            left -= part
    taxes = shares(tax, [part for _, part in parts])
    return [
        {
            **{name: item[name] for name in ("name", "product_id", "sku")},
            "id": refund * _LINES_PER_ORDER + place,
            "quantity": -item["quantity"] if part == _pence(item["total"]) else 0,
            "subtotal": _amount(-part),
            "total": _amount(-part),
            "total_tax": _amount(-line_tax),
            "meta_data": [_meta(refund, "_refunded_item_id", str(item["id"]))],
        }
        for place, ((item, part), line_tax) in enumerate(zip(parts, taxes, strict=True), 1)
    ]


def shares(total: int, weights: Sequence[int]) -> list[int]:
    """A whole amount in whole parts by weight; what is left over goes to the last."""
    whole = sum(weights)
    parts = [total * weight // whole if whole else 0 for weight in weights]
    if parts:
        parts[-1] += total - sum(parts)
    return parts


def _shipping(number: int, pence: int) -> list[Record]:
    if not pence:
        return []
    line = {"id": number * _LINES_PER_ORDER + 999, "method_title": "Parcel", "method_id": "flat_rate"}
    return [{**line, "total": _amount(pence), "total_tax": "0.00", "taxes": [], "meta_data": []}]


def _dates(**times: Any) -> Record:
    """`created=…` → date_created_gmt; the local time beside it follows from it."""
    return {f"date_{name}_gmt": _gmt(at) for name, at in times.items() if known(at)}


def _gmt(at: pd.Timestamp) -> str:
    """A wall-clock time of the outlet, read as a files source reads it: the later of two, an hour on in a gap."""
    there = at.tz_localize(TIME_ZONE, ambiguous=False, nonexistent=pd.Timedelta(hours=1))
    return str(there.tz_convert("UTC").strftime("%Y-%m-%dT%H:%M:%S"))


def _rows(table: pd.DataFrame | None) -> Sequence[Any]:
    return [] if table is None else list(table.itertuples(index=False))


def _by_order(table: pd.DataFrame | None) -> dict[str, list[Any]]:
    grouped: dict[str, list[Any]] = {}
    for row in _rows(table):
        grouped.setdefault(str(row.order_id), []).append(row)
    return grouped


def _number(text: object) -> int:
    """The digits of an id."""
    return int(re.sub(r"\D", "", str(text)))


def _text(value: object) -> str:
    return str(value) if known(value) else ""


def _yes(value: object) -> str:
    return "yes" if value else "no"


def _country(name: object) -> str:
    return _CODES.get(_text(name), _text(name))


def _meta(owner: int, key: str, value: str) -> Record:
    return {"id": owner * 10 + 1, "key": key, "value": value}


def _pence(amount: object) -> int:
    return round(float(str(amount)) * 100) if known(amount) else 0


def _amount(pence: int) -> str:
    return f"{'-' if pence < 0 else ''}{abs(pence) // 100}.{abs(pence) % 100:02d}"
