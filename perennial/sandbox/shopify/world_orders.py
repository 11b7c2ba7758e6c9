"""The demo world's orders as Shopify shows them: with their lines, and with their refunds inside them.

What lives here: orders. What does not: customers, products, checkouts (world.py).

Shopify holds an order as it is now: of several versions the newest stands. A refund that names no order has no place
at Shopify and is left out. Subtotals are after discounts there. A refund's goods are taken from the order's lines one
after the other; what is left, as of an order without lines, is an adjustment, negative as Shopify's are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal
from typing import Any

from perennial.sandbox.shopify.world_values import NOTHING, Row, Tables, at, bag, by, exact, gid, inner_id, rows

_FIRST_NUMBER = 1001
_FINANCIAL = {
    "pending": "PENDING",
    "paid": "PAID",
    "partially_paid": "PARTIALLY_PAID",
    "fulfilled": "PAID",
    "partially_refunded": "PARTIALLY_REFUNDED",
    "refunded": "REFUNDED",
    "failed": "VOIDED",
    "test": "PAID",
}
_FULFILLED = ("fulfilled", "partially_refunded", "refunded")
_RECEIVED = ("PAID", "PARTIALLY_REFUNDED", "REFUNDED")


@dataclass(frozen=True)
class Taken:
    """What a refund takes from one line."""

    line: Row
    amount: Decimal
    tax: Decimal
    quantity: int


def orders(tables: Tables) -> list[dict[str, Any]]:
    lines = by(rows(tables, "shop_order_lines"), "order_id")
    refunds = by(rows(tables, "shop_refunds"), "order_id")
    return [
        _order(number, row, lines.get(row["order_id"], []), refunds.get(row["order_id"], []))
        for number, row in enumerate(newest(rows(tables, "shop_orders")), _FIRST_NUMBER)
    ]


def newest(versions: Sequence[Row]) -> list[Row]:
    """The newest version of every order, at equal times the later one, in the order of their first appearance."""
    held: dict[Any, Row] = {}
    for row in versions:
        before = held.get(row["order_id"])
        if before is None or row["updated_at"] >= before["updated_at"]:
            held[row["order_id"]] = row
    return list(held.values())


def _order(number: int, row: Row, lines: Sequence[Row], refunds: Sequence[Row]) -> dict[str, Any]:
    currency, placed = row["currency"], at(row["ordered_at"])
    taken = [_taken(refund, lines) for refund in refunds]
    refunded = sum((_whole(refund) for refund in refunds), NOTHING)
    status = _financial(row, refunded)
    customer = row["customer_id"]
    return {
        "id": gid("Order", row["order_id"]),
        "name": f"#{number}",
        "number": number,
        "email": row["email"],
        "phone": row["phone"],
        "createdAt": placed,
        "processedAt": placed,
        "updatedAt": at(row["updated_at"]),
        "cancelledAt": at(row["cancelled_at"]),
        "cancelReason": "CUSTOMER" if row["cancelled_at"] is not None else None,
        "closedAt": None,
        "confirmed": True,
        "test": row["status"] == "test",
        "currencyCode": currency,
        "presentmentCurrencyCode": currency,
        "displayFinancialStatus": status,
        "displayFulfillmentStatus": "FULFILLED" if row["status"] in _FULFILLED else "UNFULFILLED",
        "taxesIncluded": False,
        **_sums(row, status, refunded, sum((exact(each["shipping_amount"]) for each in refunds), NOTHING)),
        "discountCodes": [],
        "sourceName": "web",
        "tags": [],
        "customer": None if customer is None else {"id": gid("Customer", customer)},
        "lineItems": [_line(line, currency, taken) for line in lines],
        "shippingLines": _shipping_lines(row),
        "refunds": [_refund(refund, each) for refund, each in zip(refunds, taken, strict=True)],
    }


def _financial(row: Row, refunded: Decimal) -> str | None:
    if row["status"] == "cancelled":
        if not refunded:
            return "VOIDED"
        return "REFUNDED" if refunded >= exact(row["total_amount"]) else "PARTIALLY_REFUNDED"
    return _FINANCIAL.get(row["status"])


def _sums(row: Row, status: str | None, refunded: Decimal, shipping_refunded: Decimal) -> dict[str, Any]:
    total, discount = exact(row["total_amount"]), exact(row["discount_amount"])
    received = total if status in _RECEIVED else NOTHING
    sums = {
        "subtotalPriceSet": exact(row["subtotal_amount"]) - discount,
        "totalDiscountsSet": discount,
        "totalTaxSet": exact(row["tax_amount"]),
        "totalShippingPriceSet": exact(row["shipping_amount"]),
        "totalPriceSet": total,
        "currentTotalPriceSet": total - refunded,
        "totalRefundedSet": refunded,
        "totalRefundedShippingSet": shipping_refunded,
        "totalReceivedSet": received,
        "netPaymentSet": received - refunded,
    }
    return {name: bag(amount, row["currency"]) for name, amount in sums.items()}


def _goods(line: Row) -> Decimal:
    return int(line["quantity"]) * exact(line["unit_price_amount"]) - exact(line["discount_amount"])


def _line(line: Row, currency: str, taken: Sequence[Sequence[Taken]]) -> dict[str, Any]:
    price, discount, quantity = exact(line["unit_price_amount"]), exact(line["discount_amount"]), int(line["quantity"])
    returned = sum(each.quantity for refund in taken for each in refund if each.line is line)
    product = line["product_id"]
    return {
        "id": line_gid(line),
        "title": line["product_name"],
        "name": line["product_name"],
        "quantity": quantity,
        "currentQuantity": quantity - returned,
        "sku": None if product is None else f"SKU-{product}",
        "product": None if product is None else {"id": gid("Product", product)},
        "variant": None if product is None else {"id": gid("ProductVariant", inner_id(product, 1))},
        "originalUnitPriceSet": bag(price, currency),
        "originalTotalSet": bag(price * quantity, currency),
        "discountedTotalSet": bag(price * quantity - discount, currency),
        "totalDiscountSet": bag(discount, currency),
        "discountAllocations": [{"allocatedAmountSet": bag(discount, currency)}] if discount else [],
    }


def line_gid(line: Row) -> str:
    return gid("LineItem", inner_id(line["order_id"], line["line_id"]))


def _shipping_lines(row: Row) -> list[dict[str, Any]]:
    amount = exact(row["shipping_amount"])
    if not amount:
        return []
    price = bag(amount, row["currency"])
    line = {"id": gid("ShippingLine", inner_id(row["order_id"], 0)), "title": "Standard", "code": "standard"}
    return [{**line, "originalPriceSet": price, "discountedPriceSet": price}]


def _whole(refund: Row) -> Decimal:
    return exact(refund["amount"]) + exact(refund["tax_amount"]) + exact(refund["shipping_amount"])


def _taken(refund: Row, lines: Sequence[Row]) -> list[Taken]:
    """The refund's goods and tax, line by line; the tax in proportion, the last line with what is left of it."""
    left, tax_left = exact(refund["amount"]), exact(refund["tax_amount"])
    whole, tax = left, tax_left
    found: list[Taken] = []
    for line in lines:
        goods = _goods(line)
        amount = min(goods, left)
        if amount <= 0:
            continue
        quantity = int(line["quantity"])
        part = quantity if amount == goods else max(int(quantity * amount / goods), 1)
        left -= amount
        share = tax_left if not left else (tax * amount / whole).quantize(Decimal("0.01"), ROUND_DOWN)
        tax_left -= share
        found.append(Taken(line, amount, share, part))
    return found


def _refund(refund: Row, taken: Sequence[Taken]) -> dict[str, Any]:
    currency, number, when = refund["currency"], refund["refund_id"], at(refund["refunded_at"])
    amount_left = exact(refund["amount"]) - sum((each.amount for each in taken), NOTHING)
    tax_left = exact(refund["tax_amount"]) - sum((each.tax for each in taken), NOTHING)
    return {
        "id": gid("Refund", number),
        "createdAt": when,
        "updatedAt": when,
        "note": None,
        "totalRefundedSet": bag(_whole(refund), currency),
        "refundLineItems": [_refund_line(refund, place, each) for place, each in enumerate(taken, 1)],
        "refundShippingLines": _refund_shipping(refund),
        "orderAdjustments": _adjustments(refund, amount_left, tax_left),
    }


def _refund_line(refund: Row, place: int, taken: Taken) -> Mapping[str, Any]:
    currency = refund["currency"]
    return {
        "id": gid("RefundLineItem", inner_id(refund["refund_id"], place)),
        "quantity": taken.quantity,
        "lineItem": {"id": line_gid(taken.line), "title": taken.line["product_name"]},
        "subtotalSet": bag(taken.amount, currency),
        "totalTaxSet": bag(taken.tax, currency),
        "restockType": "RETURN",
        "restocked": True,
    }


def _refund_shipping(refund: Row) -> list[Mapping[str, Any]]:
    amount = exact(refund["shipping_amount"])
    if not amount:
        return []
    return [
        {
            "id": gid("RefundShippingLine", inner_id(refund["refund_id"], 0)),
            "shippingLine": {"id": gid("ShippingLine", inner_id(refund["order_id"], 0))},
            "subtotalAmountSet": bag(amount, refund["currency"]),
            "taxAmountSet": bag(NOTHING, refund["currency"]),
        }
    ]


def _adjustments(refund: Row, amount: Decimal, tax: Decimal) -> list[Mapping[str, Any]]:
    if not amount and not tax:
        return []
    return [
        {
            "id": gid("OrderAdjustment", inner_id(refund["refund_id"], 0)),
            "amountSet": bag(-amount, refund["currency"]),
            "taxAmountSet": bag(-tax, refund["currency"]),
            "reason": "REFUND_DISCREPANCY",
        }
    ]
