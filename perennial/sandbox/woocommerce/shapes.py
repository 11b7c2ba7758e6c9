"""What a WooCommerce record looks like on the wire: the fields a store hands out, and how a seeded record is completed.

What lives here: templates of orders, customers, products and refunds, local times beside GMT ones. What does not: which
records a request asks for (query.py, lists.py), the demo world (world.py).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import deepcopy
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

Record = dict[str, Any]

# The statuses of core, and one of a plugin for deposits: stores register their own, and the API hands them out.
ORDER_STATUSES = (
    "pending", "processing", "on-hold", "completed", "cancelled", "refunded", "failed", "checkout-draft",
    "partial-payment",
)  # fmt: skip
TRASH = "trash"
HIDDEN_FROM_ANY = (TRASH, "checkout-draft")  # status=any does not mean these
PRODUCT_STATUSES = ("draft", "pending", "private", "publish")

_ADDRESS = {
    "first_name": "", "last_name": "", "company": "", "address_1": "", "address_2": "", "city": "", "state": "",
    "postcode": "", "country": "",
}  # fmt: skip
_BILLING = {**_ADDRESS, "email": "", "phone": ""}
_LINE = {
    "id": 0, "name": "", "product_id": 0, "variation_id": 0, "quantity": 1, "tax_class": "", "subtotal": "0.00",
    "subtotal_tax": "0.00", "total": "0.00", "total_tax": "0.00", "taxes": [], "meta_data": [], "sku": "", "price": 0,
    "image": {"id": 0, "src": ""}, "parent_name": None,
}  # fmt: skip

_ORDER: Record = {
    "id": 0, "parent_id": 0, "status": "pending", "currency": "GBP", "version": "9.8.5", "prices_include_tax": False,
    "date_created": None, "date_modified": None, "discount_total": "0.00", "discount_tax": "0.00",
    "shipping_total": "0.00", "shipping_tax": "0.00", "cart_tax": "0.00", "total": "0.00", "total_tax": "0.00",
    "customer_id": 0, "order_key": "", "billing": _BILLING, "shipping": {**_ADDRESS, "phone": ""},
    "payment_method": "", "payment_method_title": "", "transaction_id": "", "customer_ip_address": "",
    "customer_user_agent": "", "created_via": "checkout", "customer_note": "", "date_completed": None,
    "date_paid": None, "cart_hash": "", "number": "", "meta_data": [], "line_items": [], "tax_lines": [],
    "shipping_lines": [], "fee_lines": [], "coupon_lines": [], "refunds": [], "payment_url": "", "is_editable": False,
    "needs_payment": False, "needs_processing": True, "date_created_gmt": None, "date_modified_gmt": None,
    "date_completed_gmt": None, "date_paid_gmt": None, "currency_symbol": "",
}  # fmt: skip
_CUSTOMER: Record = {
    "id": 0, "date_created": None, "date_created_gmt": None, "date_modified": None, "date_modified_gmt": None,
    "email": "", "first_name": "", "last_name": "", "role": "customer", "username": "", "billing": _BILLING,
    "shipping": {**_ADDRESS, "phone": ""}, "is_paying_customer": False, "avatar_url": "", "meta_data": [],
}  # fmt: skip
_PRODUCT: Record = {
    "id": 0, "name": "", "slug": "", "permalink": "", "date_created": None, "date_created_gmt": None,
    "date_modified": None, "date_modified_gmt": None, "type": "simple", "status": "publish", "featured": False,
    "catalog_visibility": "visible", "description": "", "short_description": "", "sku": "", "price": "",
    "regular_price": "", "sale_price": "", "on_sale": False, "purchasable": True, "total_sales": 0, "virtual": False,
    "downloadable": False, "tax_status": "taxable", "tax_class": "", "manage_stock": False, "stock_quantity": None,
    "stock_status": "instock", "backorders": "no", "weight": "", "shipping_required": True, "reviews_allowed": True,
    "average_rating": "0.00", "rating_count": 0, "parent_id": 0, "categories": [], "tags": [], "images": [],
    "attributes": [], "variations": [], "meta_data": [],
}  # fmt: skip
_REFUND: Record = {
    "id": 0, "parent_id": 0, "date_created": None, "date_created_gmt": None, "amount": "0.00", "reason": "",
    "refunded_by": 1, "refunded_payment": False, "meta_data": [], "line_items": [], "shipping_lines": [],
    "tax_lines": [], "fee_lines": [],
}  # fmt: skip

TEMPLATES = {"orders": _ORDER, "customers": _CUSTOMER, "products": _PRODUCT, "refunds": _REFUND}
_DATES = ("date_created", "date_modified", "date_completed", "date_paid")


class Incomplete(ValueError):
    """A seeded record lacks what no record of a store lacks."""


def complete(collection: str, record: Mapping[str, Any], zone: ZoneInfo) -> Record:
    """A record with every field of its kind, each date both as local and as GMT time."""
    template = TEMPLATES[collection]
    if not isinstance(record.get("id"), int) or record["id"] < 1:
        raise Incomplete(f"{collection}: a record needs an id, a whole number above 0")
    whole = deepcopy(template) | dict(record)
    for part in ("billing", "shipping"):
        if part in template:
            whole[part] = {**template[part], **(record.get(part) or {})}
    if "line_items" in template:
        whole["line_items"] = [{**_LINE, **line} for line in whole["line_items"]]
    for name in _DATES:
        if name in template:
            whole[name], whole[f"{name}_gmt"] = _both(record.get(name), record.get(f"{name}_gmt"), zone)
    if whole["date_created_gmt"] is None:
        raise Incomplete(f"{collection} {record['id']}: a record needs date_created or date_created_gmt")
    _DERIVED.get(collection, _nothing)(whole)
    return whole


def _nothing(whole: Record) -> None:
    pass


def _finish_order(order: Record) -> None:
    order["number"] = order["number"] or str(order["id"])
    order["order_key"] = order["order_key"] or f"wc_order_{order['id']:x}"
    _modified_when_created(order)


def _finish_product(product: Record) -> None:
    product["slug"] = product["slug"] or f"product-{product['id']}"
    _modified_when_created(product)


def _modified_when_created(record: Record) -> None:
    """An order or a product has always been modified; a customer's date stays null until somebody edits them."""
    if record["date_modified_gmt"] is None:
        record["date_modified"], record["date_modified_gmt"] = record["date_created"], record["date_created_gmt"]


_DERIVED: dict[str, Callable[[Record], None]] = {"orders": _finish_order, "products": _finish_product}


def _both(local: str | None, gmt: str | None, zone: ZoneInfo) -> tuple[str | None, str | None]:
    """Local and GMT time; where both are given the GMT one counts."""
    if gmt is not None:
        return to_local(gmt, zone), gmt
    if local is not None:
        return local, to_gmt(local, zone)
    return None, None


def to_local(gmt: str, zone: ZoneInfo) -> str:
    """`2025-07-01T10:00:00` in GMT as the store's clock showed it."""
    return _plain(datetime.fromisoformat(gmt).replace(tzinfo=UTC).astimezone(zone))


def to_gmt(local: str, zone: ZoneInfo) -> str:
    return _plain(datetime.fromisoformat(local).replace(tzinfo=zone).astimezone(UTC))


def _plain(moment: datetime) -> str:
    """The store's way to write a time: whole seconds, no zone."""
    return moment.replace(tzinfo=None).isoformat(timespec="seconds")


def as_store_time(text: str, zone: ZoneInfo) -> str:
    """How the store reads a time of the query: with a zone it is turned into local time, without it stands as it is.

    So a time with a zone is compared rightly with local dates only, and wrongly beside dates_are_gmt. Stores do that.
    """
    moment = datetime.fromisoformat(text.upper().replace(" ", "T").replace("Z", "+00:00"))
    return _plain(moment if moment.tzinfo is None else moment.astimezone(zone))


def without_parent(refund: Mapping[str, Any]) -> Record:
    """A refund as its order's own list shows it: the order's id stands in the path alone."""
    return {name: value for name, value in refund.items() if name != "parent_id"}
