"""What WooCommerce's records look like, and which field fills which landed column.

What lives here: payload schemas and rows. What does not: asking (walk.py, adapter.py), the landed tables themselves
(perennial/config/vendors/woocommerce.py). Amounts are texts; `…_gmt` times name no zone and are UTC; none is "".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from perennial.sources.base import Form, Rows
from perennial.warehouse.duck import quote

_META = [{"key": "text", "value": "any"}]
_TEST_KEY = "_wcpay_mode"  # WooPayments notes `test` there for orders paid in its test mode


def _at(path: str) -> str:
    return f"{path} || 'Z'"


def _sum(rows: str, field: str) -> str:
    """A field over the elements of a list, 0 where it has none."""
    return f"coalesce(list_sum(list_transform({rows}, lambda x: try_cast(x.{field} as decimal(18,4)))), 0)"


def _meta(path: str, key: str) -> str:
    """The text kept under a key of meta_data, the last one where it comes twice."""
    return f"(list_filter({path}.meta_data, lambda x: x.key = {quote(key)})[-1].value ->> '$')"


# --- orders and their lines

_ORDER = {
    "id": "number", "number": "text", "status": "text", "currency": "text", "customer_id": "number",
    "created_via": "text", "date_created_gmt": "text", "date_modified_gmt": "text", "date_paid_gmt": "text",
    "date_completed_gmt": "text", "discount_total": "text", "shipping_total": "text", "total": "text",
    "total_tax": "text", "meta_data": _META, "refunds": [{"id": "number", "total": "text"}],
    "billing": {"first_name": "text", "last_name": "text", "country": "text", "email": "text", "phone": "text"},
    "line_items": [
        {
            "id": "number", "name": "text", "product_id": "number", "variation_id": "number", "quantity": "number",
            "subtotal": "text", "total": "text", "total_tax": "text", "sku": "text",
        }
    ],
}  # fmt: skip
_ORDER_ROWS = Rows(
    "orders",
    {
        "order_id": "item.id",
        "number": "item.number",
        "customer_id": "nullif(item.customer_id, '0')",  # a guest
        "email": "item.billing.email",
        "phone": "item.billing.phone",
        "first_name": "item.billing.first_name",
        "last_name": "item.billing.last_name",
        "country": "item.billing.country",
        "created_at": _at("item.date_created_gmt"),
        "currency": "item.currency",
        "subtotal_amount": _sum("item.line_items", "subtotal"),
        "discount_amount": "item.discount_total",
        "tax_amount": "item.total_tax",
        "shipping_amount": "item.shipping_total",
        "total_amount": "item.total",
        "refunded_amount": f"-{_sum('item.refunds', 'total')}",
        "status": "item.status",
        "is_test": f"coalesce({_meta('item', _TEST_KEY)} = 'test', false)",
        "created_via": "item.created_via",
        "paid_at": _at("item.date_paid_gmt"),
        "completed_at": _at("item.date_completed_gmt"),
        "updated_at": _at("item.date_modified_gmt"),
        "is_deleted": "item.status = 'trash'",
    },
)
_LINE_ROWS = Rows(
    "order_lines",
    {
        "order_id": "item.id",
        "line_id": "line.id",
        "product_id": "nullif(line.product_id, '0')",  # the product is gone
        "variation_id": "nullif(line.variation_id, '0')",
        "name": "line.name",
        "sku": "line.sku",
        "quantity": "line.quantity",
        "subtotal_amount": "line.subtotal",
        "total_amount": "line.total",
        "tax_amount": "line.total_tax",
        "updated_at": _at("item.date_modified_gmt"),
    },
    each="item.line_items",
)

# --- refunds: negative totals per line, and a positive amount over all

_TAXED = [{"total": "text", "total_tax": "text"}]
_REFUND = {
    "id": "number", "date_created_gmt": "text", "amount": "text", "reason": "text", "line_items": _TAXED,
    "shipping_lines": _TAXED, "fee_lines": _TAXED,
}  # fmt: skip


def _refund_rows(order_id: str) -> Rows:
    taxes = " + ".join(_sum(f"item.{lines}", "total_tax") for lines in ("line_items", "shipping_lines", "fee_lines"))
    return Rows(
        "refunds",
        {
            "refund_id": "item.id",
            "order_id": order_id,
            "created_at": _at("item.date_created_gmt"),
            "total_amount": "item.amount",
            "tax_amount": f"-({taxes})",
            "shipping_amount": f"-{_sum('item.shipping_lines', 'total')}",
            "reason": "item.reason",
            "updated_at": _at("item.date_created_gmt"),  # nobody can change it
            "is_deleted": "false",
        },
    )


ORDERS = {"page": Form("[]", _ORDER, (_ORDER_ROWS, _LINE_ROWS))}
REFUNDS = {"page": Form("[]", {**_REFUND, "parent_id": "number"}, (_refund_rows("item.parent_id"),))}
# the refunds of one order: which one, only the address says
ORDERS_WITH_REFUNDS = {**ORDERS, "refunds": Form("[]", _REFUND, (_refund_rows("context.order_id"),), ("order_id",))}

# --- products

_PRODUCT = {
    "id": "number", "name": "text", "sku": "text", "type": "text", "status": "text", "stock_status": "text",
    "price": "text", "date_created_gmt": "text", "date_modified_gmt": "text", "categories": [{"name": "text"}],
}  # fmt: skip
_PRODUCT_ROWS = Rows(
    "products",
    {
        "product_id": "item.id",
        "name": "item.name",
        "sku": "item.sku",
        "category": "item.categories[1].name",
        "product_type": "item.type",
        "status": "item.status",
        "stock_status": "item.stock_status",
        "price_amount": "item.price",
        "created_at": _at("item.date_created_gmt"),
        "updated_at": _at("coalesce(item.date_modified_gmt, item.date_created_gmt)"),
        "is_deleted": "item.status = 'trash'",
    },
)
PRODUCTS = {"page": Form("[]", _PRODUCT, (_PRODUCT_ROWS,))}

# --- customers

_CUSTOMER = {
    "id": "number", "email": "text", "first_name": "text", "last_name": "text", "role": "text", "username": "text",
    "is_paying_customer": "boolean", "date_created_gmt": "text", "date_modified_gmt": "text", "meta_data": _META,
    "billing": {"first_name": "text", "last_name": "text", "country": "text", "email": "text", "phone": "text"},
}  # fmt: skip


def customers(opt_in_key: str | None) -> dict[str, Form]:
    """What is missing in the account is taken from the address for bills."""
    rows = Rows(
        "customers",
        {
            "customer_id": "item.id",
            "email": "coalesce(nullif(item.email, ''), item.billing.email)",
            "phone": "item.billing.phone",
            "first_name": "coalesce(nullif(item.first_name, ''), item.billing.first_name)",
            "last_name": "coalesce(nullif(item.last_name, ''), item.billing.last_name)",
            "country": "item.billing.country",
            "role": "item.role",
            "username": "item.username",
            "opt_in": _meta("item", opt_in_key) if opt_in_key is not None else "cast(null as varchar)",
            "is_paying": "item.is_paying_customer",
            "created_at": _at("item.date_created_gmt"),
            # null until somebody edits the account
            "updated_at": _at("coalesce(item.date_modified_gmt, item.date_created_gmt)"),
            "is_deleted": "false",
        },
    )
    return {"page": Form("[]", _CUSTOMER, (rows,))}


def watched(items: Sequence[Any]) -> list[Any]:
    """Records for the watch over their shape: what plugins keep in meta_data is theirs, and every record's differs."""
    return [_without_meta(item) for item in items]


def _without_meta(value: Any) -> Any:
    if isinstance(value, list):
        return [_without_meta(each) for each in value]
    if not isinstance(value, Mapping):
        return value
    return {
        key: [{"key": each["key"], "value": None} for each in inner] if key == "meta_data" else _without_meta(inner)
        for key, inner in value.items()
    }
