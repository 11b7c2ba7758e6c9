"""Orders, their lines and refunds: what is asked for, what the answers look like, which field fills which column.

What lives here: GraphQL texts and payload schemas. What does not: the other lists (queries.py), asking (adapter.py).

A page's requested cost must stay below 1,000 points, so pages of orders are small; much is asked for in bulk. What does
not fit on a page is asked for again, order by order.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from perennial.sources.base import Form, Rows
from perennial.sources.shopify.parts import (
    MONEY,
    MONEY_TEXT,
    PAGE_INFO,
    PAGE_INFO_TEXT,
    Query,
    amount,
    more_lines_form,
    more_lines_of,
    number,
    page_form,
)

_ORDER = f"""
    id name email phone createdAt processedAt updatedAt cancelledAt closedAt test currencyCode sourceName
    displayFinancialStatus displayFulfillmentStatus
    subtotalPriceSet {MONEY_TEXT} totalDiscountsSet {MONEY_TEXT} totalTaxSet {MONEY_TEXT}
    totalShippingPriceSet {MONEY_TEXT} totalPriceSet {MONEY_TEXT}
    customer {{ id }}
"""
_LINE = f"""
    id title quantity sku product {{ id productType }} variant {{ id }}
    originalUnitPriceSet {MONEY_TEXT} discountAllocations {{ allocatedAmountSet {MONEY_TEXT} }}
"""
_LINE_ITEM = {
    "id": "text", "title": "text", "quantity": "number", "sku": "text",
    "product": {"id": "text", "productType": "text"}, "variant": {"id": "text"},
    "originalUnitPriceSet": MONEY, "discountAllocations": [{"allocatedAmountSet": MONEY}],
}  # fmt: skip
_ORDER_ITEM = {
    "id": "text", "name": "text", "email": "text", "phone": "text", "createdAt": "text", "processedAt": "text",
    "updatedAt": "text", "cancelledAt": "text", "closedAt": "text", "test": "boolean", "currencyCode": "text",
    "sourceName": "text", "displayFinancialStatus": "text", "displayFulfillmentStatus": "text",
    "subtotalPriceSet": MONEY, "totalDiscountsSet": MONEY, "totalTaxSet": MONEY, "totalShippingPriceSet": MONEY,
    "totalPriceSet": MONEY, "customer": {"id": "text"},
}  # fmt: skip
_ORDER_ROWS = Rows(
    "orders",
    {
        "order_id": number("item.id"),
        "name": "item.name",
        "customer_id": number("item.customer.id"),
        "email": "item.email",
        "phone": "item.phone",
        "processed_at": "coalesce(item.processedAt, item.createdAt)",
        "created_at": "item.createdAt",
        "currency": "item.currencyCode",
        "subtotal_amount": amount("item.subtotalPriceSet"),
        "discount_amount": amount("item.totalDiscountsSet"),
        "tax_amount": amount("item.totalTaxSet"),
        "shipping_amount": amount("item.totalShippingPriceSet"),
        "total_amount": amount("item.totalPriceSet"),
        "financial_status": "item.displayFinancialStatus",
        "fulfillment_status": "item.displayFulfillmentStatus",
        "is_test": "item.test",
        "cancelled_at": "item.cancelledAt",
        "closed_at": "item.closedAt",
        "source_name_at_shop": "item.sourceName",
        "updated_at": "item.updatedAt",
    },
)


def _line_rows(line: str, order: str, each: str | None = None, version: str | None = None) -> Rows:
    discounts = f"list_transform({line}.discountAllocations, lambda x: try_cast(x.allocatedAmountSet.shopMoney.amount as decimal(18,4)))"  # noqa: E501
    return Rows(
        "order_lines",
        {
            "order_id": number(order),
            "line_id": number(f"{line}.id"),
            "product_id": number(f"{line}.product.id"),
            "variant_id": number(f"{line}.variant.id"),
            "title": f"{line}.title",
            "product_type": f"{line}.product.productType",
            "sku": f"{line}.sku",
            "quantity": f"{line}.quantity",
            "unit_price_amount": amount(f"{line}.originalUnitPriceSet"),
            # every discount that falls on the line, its share of the order's among them
            "discount_amount": f"coalesce(list_sum({discounts}), 0)",
        },
        each=each,
        version=version,
    )


_LINES_ON_PAGE = 10
_ORDER_PAGE = f"{_ORDER} lineItems(first: {_LINES_ON_PAGE}) {{ edges {{ node {{ {_LINE} }} }} {PAGE_INFO_TEXT} }}"
_ORDER_PAGE_ITEM = {
    **_ORDER_ITEM,
    "lineItems": {"edges": [{"node": _LINE_ITEM}], "pageInfo": PAGE_INFO},
}

ORDERS = Query(
    "orders", "orders", "orders", "order_id", _ORDER_PAGE,
    {
        "page": page_form(
            "orders", _ORDER_PAGE_ITEM, _ORDER_ROWS, _line_rows("line.node", "item.id", "item.lineItems.edges")
        ),
        "more_lines": more_lines_form(_LINE_ITEM, _line_rows("item", "context.parent", version="context.updated")),
        "bulk": Form(None, _ORDER_ITEM, [_ORDER_ROWS]),
        "bulk_lines": Form(None, {**_LINE_ITEM, "__parentId": "text"}, [_line_rows("item", "item.__parentId")]),
    },
    largest_page=20, bulk_node=f"{_ORDER} lineItems {{ edges {{ node {{ {_LINE} }} }} }}",
    more_lines=more_lines_of("Order", _LINE),
)  # fmt: skip

# --- refunds: only an order knows them, and a bulk query may not look into them

REFUNDS_ON_PAGE = 5  # an order that shows so many may have more: it is asked for them by itself
REFUNDED_LINES = 100


def _refunds(several: str, lines: str) -> str:
    return f"""
        id updatedAt customer {{ id }}
        refunds{several} {{
            id createdAt updatedAt totalRefundedSet {MONEY_TEXT}
            refundLineItems({lines}) {{
                edges {{ node {{ quantity subtotalSet {MONEY_TEXT} totalTaxSet {MONEY_TEXT} }} }} {PAGE_INFO_TEXT}
            }}
        }}
    """


_REFUNDED_LINE = {"quantity": "number", "subtotalSet": MONEY, "totalTaxSet": MONEY}
_REFUND_ITEM = {
    "id": "text", "updatedAt": "text", "customer": {"id": "text"},
    "refunds": [
        {
            "id": "text", "createdAt": "text", "updatedAt": "text", "totalRefundedSet": MONEY,
            "refundLineItems": {"edges": [{"node": _REFUNDED_LINE}], "pageInfo": PAGE_INFO},
        }
    ],
}  # fmt: skip
# every page asked of one order, whole: the first holds all its refunds, the others more lines of the one they name
_ORDERS_REFUNDS = {"pages": [{"context": {"refund": "text"}, "page": {"data": {"node": _REFUND_ITEM}}}]}
_FIRST = "item.pages[1].page.data.node"
_LINES_OF_ALL_PAGES = (
    "flatten(list_transform(list_filter(item.pages, lambda p: coalesce(p.context.refund, line.id) = line.id), lambda p:"
    " flatten(list_transform(list_filter(p.page.data.node.refunds, lambda r: r.id = line.id), lambda r:"
    " r.refundLineItems.edges))))"
)
_SHOWN_WHOLE = (
    f"len(item.refunds) < {REFUNDS_ON_PAGE} and"
    " len(list_filter(item.refunds, lambda x: x.refundLineItems.pageInfo.hasNextPage = 'true')) = 0"
)


def _refund_rows(order: str, lines: str, where: str | None = None) -> Rows:
    def refunded(money: str) -> str:
        each = f"lambda x: try_cast(x.node.{money}.shopMoney.amount as decimal(18,4))"
        return f"coalesce(list_sum(list_transform({lines}, {each})), 0)"

    goods, tax, total = refunded("subtotalSet"), refunded("totalTaxSet"), amount("line.totalRefundedSet")
    return Rows(
        "refunds",
        {
            "refund_id": number("line.id"),
            "order_id": number(f"{order}.id"),
            "customer_id": number(f"{order}.customer.id"),
            "created_at": "line.createdAt",
            "updated_at": f"{order}.updatedAt",
            "currency": "line.totalRefundedSet.shopMoney.currencyCode",
            "goods_amount": goods,
            "tax_amount": tax,
            # what was paid back beyond goods and their tax
            "shipping_amount": f"greatest(try_cast({total} as decimal(18,4)) - {goods} - {tax}, 0)",
            "total_amount": total,
        },
        each=f"{order}.refunds",
        where=where,
    )


REFUNDS = Query(
    "refunds", "orders", "refunds", "refund_id", _refunds(f"(first: {REFUNDS_ON_PAGE})", "first: 10"),
    {
        "page": page_form("orders", _REFUND_ITEM, _refund_rows("item", "line.refundLineItems.edges", _SHOWN_WHOLE)),
        "more_refunds": Form(None, _ORDERS_REFUNDS, [_refund_rows(_FIRST, _LINES_OF_ALL_PAGES)]),
    },
    largest_page=25, filter="(financial_status:refunded OR financial_status:partially_refunded)", lists_refunds=True,
)  # fmt: skip
MORE_REFUNDS = (
    f"query($id: ID!, $n: Int!, $after: String) {{ node(id: $id) {{ ... on Order {{"
    f" {_refunds('', 'first: $n, after: $after')} }} }} }}"
)
REFUND_IDS = "id refunds { id }"


def has_more_refunds(order: Mapping[str, Any]) -> bool:
    """Whether a page may not have shown all that an order paid back."""
    refunds = order["refunds"]
    return len(refunds) >= REFUNDS_ON_PAGE or any(
        each["refundLineItems"]["pageInfo"]["hasNextPage"] for each in refunds
    )
