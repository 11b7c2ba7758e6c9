"""What is asked of Shopify, and what the answers look like.

What lives here: GraphQL texts, payload schemas, and which field fills which landed column. What does not: asking
(adapter.py), the landed tables themselves (perennial/config/vendors/shopify.py).

A page's requested cost must stay below 1,000 points, so pages of orders are small; much is asked for in bulk.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from perennial.config.vendors.shopify import Settings
from perennial.sources.api.shape import Optional
from perennial.sources.base import Form, Rows

MONEY = {"shopMoney": {"amount": "text", "currencyCode": "text"}}
_MONEY_TEXT = "{ shopMoney { amount currencyCode } }"
_NUMBER = "split_part({}, '/', -1)"  # gid://shopify/Order/1 → 1


def _id(path: str) -> str:
    return _NUMBER.format(path)


def _amount(path: str) -> str:
    return f"{path}.shopMoney.amount"


@dataclass(frozen=True)
class Query:
    """One stream: the root field, the node's selection in a page and in a bulk query, and the forms they take."""

    name: str
    root: str
    table: str
    key: str
    node: str
    forms: Mapping[str, Form]
    sort: str = "UPDATED_AT"
    largest_page: int = 250
    filter: str | None = None
    bulk_node: str | None = None
    more_lines: str | None = None
    is_counted: bool = True
    metafield: bool = False

    def page_text(self, source: Settings) -> str:
        return (
            f"query($n: Int!, $after: String, $q: String) {{ {self.root}(first: $n, after: $after, query: $q,"
            f" sortKey: {self.sort}) {{ edges {{ node {{ {self._node(self.node, source)} }} }}"
            f" pageInfo {{ hasNextPage endCursor }} }} }}"
        )

    def bulk_text(self, source: Settings, wanted: str | None) -> str:
        searched = "" if wanted is None else f'(query: "{wanted}")'
        return f"{{ {self.root}{searched} {{ edges {{ node {{ {self._node(str(self.bulk_node), source)} }} }} }} }}"

    def _node(self, node: str, source: Settings) -> str:
        if not self.metafield or source.warranty_metafield is None:
            return node
        namespace, _, key = source.warranty_metafield.partition(".")
        return f'{node} metafield(namespace: "{namespace}", key: "{key}") {{ value }}'


def _page(root: str, item: Mapping[str, Any], *rows: Rows) -> Form:
    return Form(f"data.{root}.edges[].node", item, rows)


# --- customers

_CUSTOMER = """
    id firstName lastName createdAt updatedAt state tags locale
    defaultEmailAddress { emailAddress marketingState marketingOptInLevel marketingUpdatedAt }
    defaultPhoneNumber { phoneNumber marketingState marketingUpdatedAt }
    defaultAddress { countryCodeV2 }
"""
_CUSTOMER_ITEM = {
    "id": "text", "firstName": "text", "lastName": "text", "createdAt": "text", "updatedAt": "text", "state": "text",
    "tags": ["text"], "locale": "text",
    "defaultEmailAddress": {
        "emailAddress": "text", "marketingState": "text", "marketingOptInLevel": "text", "marketingUpdatedAt": "text",
    },
    "defaultPhoneNumber": {"phoneNumber": "text", "marketingState": "text", "marketingUpdatedAt": "text"},
    "defaultAddress": {"countryCodeV2": "text"},
}  # fmt: skip
_CUSTOMER_ROWS = Rows(
    "customers",
    {
        "customer_id": _id("item.id"),
        "email": "item.defaultEmailAddress.emailAddress",
        "phone": "item.defaultPhoneNumber.phoneNumber",
        "first_name": "item.firstName",
        "last_name": "item.lastName",
        "country": "item.defaultAddress.countryCodeV2",
        "email_state": "item.defaultEmailAddress.marketingState",
        "email_state_changed_at": "item.defaultEmailAddress.marketingUpdatedAt",
        "phone_state": "item.defaultPhoneNumber.marketingState",
        "phone_state_changed_at": "item.defaultPhoneNumber.marketingUpdatedAt",
        "email_opt_in_level": "item.defaultEmailAddress.marketingOptInLevel",
        "created_at": "item.createdAt",
        "updated_at": "item.updatedAt",
        "state": "item.state",
        "tags": "array_to_string(item.tags, ', ')",
        "locale": "item.locale",
    },
)

# --- products

_PRODUCT = "id title productType status vendor createdAt updatedAt"
_PRODUCT_ITEM = {
    "id": "text", "title": "text", "productType": "text", "status": "text", "vendor": "text", "createdAt": "text",
    "updatedAt": "text", "metafield": Optional(value="text"),
}  # fmt: skip
_PRODUCT_ROWS = Rows(
    "products",
    {
        "product_id": _id("item.id"),
        "title": "item.title",
        "product_type": "item.productType",
        "status": "item.status",
        "vendor": "item.vendor",
        "warranty_days": "item.metafield.value",
        "created_at": "item.createdAt",
        "updated_at": "item.updatedAt",
    },
)

# --- orders and their lines

_ORDER = f"""
    id name email phone createdAt processedAt updatedAt cancelledAt closedAt test currencyCode sourceName
    displayFinancialStatus displayFulfillmentStatus
    subtotalPriceSet {_MONEY_TEXT} totalDiscountsSet {_MONEY_TEXT} totalTaxSet {_MONEY_TEXT}
    totalShippingPriceSet {_MONEY_TEXT} totalPriceSet {_MONEY_TEXT}
    customer {{ id }}
"""
_LINE = f"""
    id title quantity sku product {{ id productType }} variant {{ id }}
    originalUnitPriceSet {_MONEY_TEXT} discountAllocations {{ allocatedAmountSet {_MONEY_TEXT} }}
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
        "order_id": _id("item.id"),
        "name": "item.name",
        "customer_id": _id("item.customer.id"),
        "email": "item.email",
        "phone": "item.phone",
        "processed_at": "coalesce(item.processedAt, item.createdAt)",
        "created_at": "item.createdAt",
        "currency": "item.currencyCode",
        "subtotal_amount": _amount("item.subtotalPriceSet"),
        "discount_amount": _amount("item.totalDiscountsSet"),
        "tax_amount": _amount("item.totalTaxSet"),
        "shipping_amount": _amount("item.totalShippingPriceSet"),
        "total_amount": _amount("item.totalPriceSet"),
        "financial_status": "item.displayFinancialStatus",
        "fulfillment_status": "item.displayFulfillmentStatus",
        "is_test": "item.test",
        "cancelled_at": "item.cancelledAt",
        "closed_at": "item.closedAt",
        "source_name_at_shop": "item.sourceName",
        "updated_at": "item.updatedAt",
    },
)


def _line_rows(line: str, order: str, each: str | None = None) -> Rows:
    discounts = f"list_transform({line}.discountAllocations, lambda x: try_cast(x.allocatedAmountSet.shopMoney.amount as decimal(18,4)))"  # noqa: E501
    return Rows(
        "order_lines",
        {
            "order_id": _id(order),
            "line_id": _id(f"{line}.id"),
            "product_id": _id(f"{line}.product.id"),
            "variant_id": _id(f"{line}.variant.id"),
            "title": f"{line}.title",
            "product_type": f"{line}.product.productType",
            "sku": f"{line}.sku",
            "quantity": f"{line}.quantity",
            "unit_price_amount": _amount(f"{line}.originalUnitPriceSet"),
            # every discount that falls on the line, its share of the order's among them
            "discount_amount": f"coalesce(list_sum({discounts}), 0)",
        },
        each=each,
    )


_LINES_ON_PAGE = 10
_ORDER_PAGE = f"{_ORDER} lineItems(first: {_LINES_ON_PAGE}) {{ edges {{ node {{ {_LINE} }} }} pageInfo {{ hasNextPage endCursor }} }}"  # noqa: E501
_ORDER_PAGE_ITEM = {
    **_ORDER_ITEM,
    "lineItems": {"edges": [{"node": _LINE_ITEM}], "pageInfo": {"hasNextPage": "boolean", "endCursor": "text"}},
}
_MORE_LINES = (
    f"query($id: ID!, $after: String) {{ order(id: $id) {{ id lineItems(first: 50, after: $after) {{ edges {{ node {{"
    f" {_LINE} }} }} pageInfo {{ hasNextPage endCursor }} }} }} }}"
)

# --- refunds: only an order knows them, and a bulk query may not look into them

_REFUNDS = f"""
    id updatedAt customer {{ id }}
    refunds(first: 5) {{
        id createdAt updatedAt totalRefundedSet {_MONEY_TEXT}
        refundLineItems(first: 10) {{
            edges {{ node {{ quantity subtotalSet {_MONEY_TEXT} totalTaxSet {_MONEY_TEXT} }} }}
        }}
    }}
"""
_REFUND_ITEM = {
    "id": "text", "updatedAt": "text", "customer": {"id": "text"},
    "refunds": [
        {
            "id": "text", "createdAt": "text", "updatedAt": "text", "totalRefundedSet": MONEY,
            "refundLineItems": {
                "edges": [{"node": {"quantity": "number", "subtotalSet": MONEY, "totalTaxSet": MONEY}}],
            },
        }
    ],
}  # fmt: skip


def _refunded(money: str) -> str:
    return (
        "coalesce(list_sum(list_transform(line.refundLineItems.edges,"
        f" lambda x: try_cast(x.node.{money}.shopMoney.amount as decimal(18,4)))), 0)"
    )


_REFUND_ROWS = Rows(
    "refunds",
    {
        "refund_id": _id("line.id"),
        "order_id": _id("item.id"),
        "customer_id": _id("item.customer.id"),
        "created_at": "line.createdAt",
        "updated_at": "item.updatedAt",
        "currency": "line.totalRefundedSet.shopMoney.currencyCode",
        "goods_amount": _refunded("subtotalSet"),
        "tax_amount": _refunded("totalTaxSet"),
        # what was paid back beyond goods and their tax
        "shipping_amount": (
            f"greatest(try_cast({_amount('line.totalRefundedSet')} as decimal(18,4))"
            f" - {_refunded('subtotalSet')} - {_refunded('totalTaxSet')}, 0)"
        ),
        "total_amount": _amount("line.totalRefundedSet"),
    },
    each="item.refunds",
)

# --- checkouts

_CHECKOUT = f"""
    id createdAt updatedAt completedAt totalPriceSet {_MONEY_TEXT}
    customAttributes {{ key value }}
    customer {{ id defaultEmailAddress {{ emailAddress }} defaultPhoneNumber {{ phoneNumber }} }}
    lineItems(first: 20) {{ edges {{ node {{ id quantity product {{ id }} originalUnitPriceSet {_MONEY_TEXT} }} }} }}
"""
_CHECKOUT_ITEM = {
    "id": "text", "createdAt": "text", "updatedAt": "text", "completedAt": "text", "totalPriceSet": MONEY,
    "customer": {
        "id": "text", "defaultEmailAddress": {"emailAddress": "text"}, "defaultPhoneNumber": {"phoneNumber": "text"},
    },
    "customAttributes": [{"key": "text", "value": "text"}],
    "lineItems": {
        "edges": [
            {"node": {"id": "text", "quantity": "number", "product": {"id": "text"}, "originalUnitPriceSet": MONEY}}
        ],
    },
}  # fmt: skip


def _attribute(key: str) -> str:
    return f"list_filter(item.customAttributes, lambda x: lower(x.key) = '{key}')[1].value"


_CHECKOUT_ROWS = Rows(
    "checkouts",
    {
        "checkout_id": _id("item.id"),
        "customer_id": _id("item.customer.id"),
        # a guest's checkout has no address of its own at Shopify; themes keep it as an attribute of the cart
        "email": f"coalesce(item.customer.defaultEmailAddress.emailAddress, {_attribute('email')})",
        "phone": f"coalesce(item.customer.defaultPhoneNumber.phoneNumber, {_attribute('phone')})",
        "created_at": "item.createdAt",
        "updated_at": "item.updatedAt",
        "completed_at": "item.completedAt",
        "total_amount": _amount("item.totalPriceSet"),
        "currency": "item.totalPriceSet.shopMoney.currencyCode",
    },
)
_CHECKOUT_LINE_ROWS = Rows(
    "checkout_lines",
    {
        "checkout_id": _id("item.id"),
        "line_id": _id("line.node.id"),
        "product_id": _id("line.node.product.id"),
        "quantity": "line.node.quantity",
        "unit_price_amount": _amount("line.node.originalUnitPriceSet"),
    },
    each="item.lineItems.edges",
)

QUERIES = (
    Query(
        "customers", "customers", "customers", "customer_id", _CUSTOMER,
        {
            "page": _page("customers", _CUSTOMER_ITEM, _CUSTOMER_ROWS),
            "bulk": Form(None, _CUSTOMER_ITEM, [_CUSTOMER_ROWS]),
        },
        largest_page=200, bulk_node=_CUSTOMER,
    ),
    Query(
        "products", "products", "products", "product_id", _PRODUCT,
        {"page": _page("products", _PRODUCT_ITEM, _PRODUCT_ROWS), "bulk": Form(None, _PRODUCT_ITEM, [_PRODUCT_ROWS])},
        bulk_node=_PRODUCT, metafield=True,
    ),
    Query(
        "orders", "orders", "orders", "order_id", _ORDER_PAGE,
        {
            "page": _page(
                "orders", _ORDER_PAGE_ITEM, _ORDER_ROWS, _line_rows("line.node", "item.id", "item.lineItems.edges")
            ),
            "more_lines": Form(
                "data.order.lineItems.edges[].node", _LINE_ITEM, [_line_rows("item", "context.parent")], ["parent"]
            ),
            "bulk": Form(None, _ORDER_ITEM, [_ORDER_ROWS]),
            "bulk_lines": Form(None, {**_LINE_ITEM, "__parentId": "text"}, [_line_rows("item", "item.__parentId")]),
        },
        largest_page=20, bulk_node=f"{_ORDER} lineItems {{ edges {{ node {{ {_LINE} }} }} }}", more_lines=_MORE_LINES,
    ),
    Query(
        "refunds", "orders", "refunds", "refund_id", _REFUNDS,
        {"page": _page("orders", _REFUND_ITEM, _REFUND_ROWS)},
        largest_page=25, filter="(financial_status:refunded OR financial_status:partially_refunded)", is_counted=False,
    ),
    Query(
        "checkouts", "abandonedCheckouts", "checkouts", "checkout_id", _CHECKOUT,
        {"page": _page("abandonedCheckouts", _CHECKOUT_ITEM, _CHECKOUT_ROWS, _CHECKOUT_LINE_ROWS)},
        sort="ID", largest_page=20,
    ),
)  # fmt: skip
