"""What is asked of Shopify, and what the answers look like.

What lives here: GraphQL texts, payload schemas, and which field fills which landed column, of everything but orders
(orders.py), and the list of all streams. What does not: asking (adapter.py), the landed tables themselves
(perennial/config/vendors/shopify.py).
"""

from __future__ import annotations

from perennial.sources.api.shape import Optional
from perennial.sources.base import Form, Rows
from perennial.sources.shopify.orders import ORDERS, REFUNDS
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
        "customer_id": number("item.id"),
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
        "is_deleted": "false",
    },
)

_IDS = Rows("customer_ids", {"customer_id": number("item.id"), "is_deleted": "false"})

# --- products

_PRODUCT = "id title productType status vendor createdAt updatedAt"
_PRODUCT_ITEM = {
    "id": "text", "title": "text", "productType": "text", "status": "text", "vendor": "text", "createdAt": "text",
    "updatedAt": "text", "metafield": Optional(value="text"),
}  # fmt: skip
_PRODUCT_ROWS = Rows(
    "products",
    {
        "product_id": number("item.id"),
        "title": "item.title",
        "product_type": "item.productType",
        "status": "item.status",
        "vendor": "item.vendor",
        "warranty_days": "item.metafield.value",
        "created_at": "item.createdAt",
        "updated_at": "item.updatedAt",
    },
)

# --- checkouts

_CHECKOUT_LINE = f"id quantity product {{ id }} originalUnitPriceSet {MONEY_TEXT}"
_CHECKOUT_LINE_ITEM = {"id": "text", "quantity": "number", "product": {"id": "text"}, "originalUnitPriceSet": MONEY}
_CHECKOUT = f"""
    id createdAt updatedAt completedAt totalPriceSet {MONEY_TEXT}
    customAttributes {{ key value }}
    customer {{ id defaultEmailAddress {{ emailAddress }} defaultPhoneNumber {{ phoneNumber }} }}
    lineItems(first: 20) {{ edges {{ node {{ {_CHECKOUT_LINE} }} }} {PAGE_INFO_TEXT} }}
"""
_CHECKOUT_ITEM = {
    "id": "text", "createdAt": "text", "updatedAt": "text", "completedAt": "text", "totalPriceSet": MONEY,
    "customer": {
        "id": "text", "defaultEmailAddress": {"emailAddress": "text"}, "defaultPhoneNumber": {"phoneNumber": "text"},
    },
    "customAttributes": [{"key": "text", "value": "text"}],
    "lineItems": {"edges": [{"node": _CHECKOUT_LINE_ITEM}], "pageInfo": PAGE_INFO},
}  # fmt: skip


def _attribute(key: str) -> str:
    return f"list_filter(item.customAttributes, lambda x: lower(x.key) = '{key}')[1].value"


_CHECKOUT_ROWS = Rows(
    "checkouts",
    {
        "checkout_id": number("item.id"),
        "customer_id": number("item.customer.id"),
        # a guest's checkout has no address of its own at Shopify; themes keep it as an attribute of the cart
        "email": f"coalesce(item.customer.defaultEmailAddress.emailAddress, {_attribute('email')})",
        "phone": f"coalesce(item.customer.defaultPhoneNumber.phoneNumber, {_attribute('phone')})",
        "created_at": "item.createdAt",
        "updated_at": "item.updatedAt",
        "completed_at": "item.completedAt",
        "total_amount": amount("item.totalPriceSet"),
        "currency": "item.totalPriceSet.shopMoney.currencyCode",
    },
)


def _checkout_lines(line: str, checkout: str, each: str | None = None, version: str | None = None) -> Rows:
    return Rows(
        "checkout_lines",
        {
            "checkout_id": number(checkout),
            "line_id": number(f"{line}.id"),
            "product_id": number(f"{line}.product.id"),
            "quantity": f"{line}.quantity",
            "unit_price_amount": amount(f"{line}.originalUnitPriceSet"),
        },
        each=each,
        version=version,
    )


QUERIES = (
    Query(
        "customers", "customers", "customers", "customer_id", _CUSTOMER,
        {
            "page": page_form("customers", _CUSTOMER_ITEM, _CUSTOMER_ROWS),
            "bulk": Form(None, _CUSTOMER_ITEM, [_CUSTOMER_ROWS]),
        },
        largest_page=200, bulk_node=_CUSTOMER,
    ),
    Query(
        "products", "products", "products", "product_id", _PRODUCT,
        {
            "page": page_form("products", _PRODUCT_ITEM, _PRODUCT_ROWS),
            "bulk": Form(None, _PRODUCT_ITEM, [_PRODUCT_ROWS]),
        },
        bulk_node=_PRODUCT, metafield=True,
    ),
    ORDERS,
    REFUNDS,
    Query(
        "checkouts", "abandonedCheckouts", "checkouts", "checkout_id", _CHECKOUT,
        {
            "page": page_form(
                "abandonedCheckouts", _CHECKOUT_ITEM, _CHECKOUT_ROWS,
                _checkout_lines("line.node", "item.id", "item.lineItems.edges"),
            ),
            "more_lines": more_lines_form(
                _CHECKOUT_LINE_ITEM, _checkout_lines("item", "context.parent", version="context.updated")
            ),
        },
        sort="ID", largest_page=20, more_lines=more_lines_of("AbandonedCheckout", _CHECKOUT_LINE),
    ),
    Query(
        "customer_ids", "customers", "customer_ids", "customer_id", "id",
        {"page": page_form("customers", {"id": "text"}, _IDS), "bulk": Form(None, {"id": "text"}, [_IDS])},
        sort="ID", bulk_node="id", finds_deleted="customers",
    ),
)  # fmt: skip
