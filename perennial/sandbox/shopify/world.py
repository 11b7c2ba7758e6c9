"""The demo world's shop as Shopify holds it: customers, products, orders, abandoned checkouts.

What lives here: from the contract's tables to records that ShopifyApi.seed takes. What does not: orders with their
lines and refunds (world_orders.py).

What has no place at Shopify and is left out: refunds that name no order, consents for anything but e-mail, stock
changes, site events. Addresses stand as people wrote them, which Shopify itself would not have let in. A product's
warranty is a metafield (custom.warranty_days).

A checkout has no e-mail at Shopify: whoever leaves one is a customer, if only as a guest (state DISABLED). In the world
a guest's checkout has an address and no customer. It always carries the address as a custom attribute (`email`), as
shops do that ask for it in the cart, which keeps the world's facts exactly; with `guests` the address makes a customer
too, as at Shopify, one for each address.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import pandas as pd

from perennial.demo.contacts import COUNTRIES
from perennial.sandbox.shopify.world_orders import newest, orders
from perennial.sandbox.shopify.world_values import NOTHING, Row, Tables, at, bag, by, exact, gid, inner_id, money, rows

_CODES = {name: code for code, name in COUNTRIES.items()}
_NOT_SPENT = ("pending", "failed", "cancelled", "test")
_SHOP_CURRENCY = "GBP"
_FIRST_GUEST = 9_600_000_000_000_001


def records(tables: Mapping[str, pd.DataFrame], *, guests: bool = False) -> dict[str, list[dict[str, Any]]]:
    """Collection → records. `tables`: the contract's tables of one source by their names."""
    known_guests = _guests(tables) if guests else {}
    return {
        "customers": [*_customers(tables), *known_guests.values()],
        "products": [_product(row) for row in rows(tables, "shop_products")],
        "orders": orders(tables),
        "abandonedCheckouts": _checkouts(tables, known_guests),
    }


def _guests(tables: Tables) -> dict[str, dict[str, Any]]:
    """Address → the customer that a checkout made of it, from the first of its checkouts."""
    found: dict[str, dict[str, Any]] = {}
    for row in rows(tables, "shop_checkouts"):
        email = _address(row)
        if row["customer_id"] is not None or email is None or email in found:
            continue
        given = {"customer_id": _FIRST_GUEST + len(found), "email": row["email"], "phone": None, "first_name": None,
                 "last_name": None, "country": None, "accepts_marketing": False, "created_at": row["started_at"],
                 "updated_at": row["started_at"]}  # fmt: skip
        found[email] = {**_customer(given, [], None), "state": "DISABLED", "verifiedEmail": False}
    return found


def _address(row: Row) -> str | None:
    return None if row["email"] is None else str(row["email"]).strip().lower()


def _customers(tables: Tables) -> list[dict[str, Any]]:
    bought = by([dict(row) for row in newest(rows(tables, "shop_orders"))], "customer_id")
    consents = {
        row["contact_ref"]: row
        for row in rows(tables, "consents")
        if (row["contact_ref_type"], row["channel"], row["purpose"]) == ("customer_id", "email", "marketing")
    }
    return [
        _customer(row, bought.get(row["customer_id"], []), consents.get(row["customer_id"]))
        for row in rows(tables, "shop_customers")
    ]


def _customer(row: Row, bought: Sequence[Row], consent: Row | None) -> dict[str, Any]:
    last = max(bought, key=lambda order: order["ordered_at"], default=None)
    spent = sum((exact(each["total_amount"]) for each in bought if each["status"] not in _NOT_SPENT), NOTHING)
    country = row["country"]
    address = {"country": country, "countryCodeV2": _CODES.get(country)} if country is not None else None
    return {
        "id": gid("Customer", row["customer_id"]),
        "firstName": row["first_name"],
        "lastName": row["last_name"],
        "createdAt": at(row["created_at"]),
        "updatedAt": at(row["updated_at"]),
        "numberOfOrders": str(len(bought)),
        "amountSpent": money(spent, _SHOP_CURRENCY),
        "defaultEmailAddress": _email(row, consent),
        "defaultPhoneNumber": _phone(row),
        "state": "ENABLED",
        "tags": [],
        "verifiedEmail": True,
        "taxExempt": False,
        "dataSaleOptOut": False,
        "lastOrder": None if last is None else {"id": gid("Order", last["order_id"])},
        "defaultAddress": address,
        "addresses": [] if address is None else [address],
    }


def _email(row: Row, consent: Row | None) -> dict[str, Any] | None:
    """The address with what its owner allowed; when, only where the world knows it."""
    if row["email"] is None:
        return None
    state = "SUBSCRIBED" if row["accepts_marketing"] else "NOT_SUBSCRIBED"
    if consent is not None and consent["status"] == "denied":
        state = "UNSUBSCRIBED"
    return {
        "emailAddress": row["email"],
        "marketingState": state,
        "marketingOptInLevel": "SINGLE_OPT_IN" if state == "SUBSCRIBED" else None,
        "marketingUpdatedAt": None if consent is None else at(consent["changed_at"]),
        "validFormat": True,
    }


def _phone(row: Row) -> dict[str, Any] | None:
    if row["phone"] is None:
        return None
    return {
        "phoneNumber": row["phone"],
        "marketingState": "NOT_SUBSCRIBED",
        "marketingOptInLevel": None,
        "marketingUpdatedAt": None,
        "marketingCollectedFrom": None,
    }


def _product(row: Row) -> dict[str, Any]:
    number, changed = row["product_id"], at(row["updated_at"])
    metafields = []
    if row["warranty_days"] is not None:
        words = {"namespace": "custom", "key": "warranty_days", "type": "number_integer"}
        days = {"value": str(int(row["warranty_days"])), "createdAt": changed, "updatedAt": changed}
        metafields = [{"id": gid("Metafield", inner_id(number, 0)), **words, **days}]
    return {
        "id": gid("Product", number),
        "title": row["product_name"],
        "handle": "-".join(str(row["product_name"]).lower().replace(",", "").split()),
        "productType": row["category"],
        "vendor": "Sandbox",
        "status": "ACTIVE",
        "createdAt": changed,
        "updatedAt": changed,
        "publishedAt": changed,
        "tags": [],
        "variants": [
            {"id": gid("ProductVariant", inner_id(number, 1)), "title": "Default Title", "sku": f"SKU-{number}"}
        ],
        "metafields": metafields,
    }


def _checkouts(tables: Tables, guests: Mapping[str, Row]) -> list[dict[str, Any]]:
    titles = {row["product_id"]: row["product_name"] for row in rows(tables, "shop_products")}
    lines = by(rows(tables, "shop_checkout_lines"), "checkout_id")
    return [
        _checkout(row, lines.get(row["checkout_id"], []), titles, guests.get(_address(row) or ""))
        for row in rows(tables, "shop_checkouts")
    ]


def _checkout(row: Row, lines: Sequence[Row], titles: Mapping[Any, str], guest: Row | None) -> dict[str, Any]:
    number, currency, customer = row["checkout_id"], row["currency"], row["customer_id"]
    whose = gid("Customer", customer) if customer is not None else guest["id"] if guest is not None else None
    total = bag(exact(row["total_amount"]), currency)
    nothing = bag(NOTHING, currency)
    given = [(key, row.get(key)) for key in ("email", "phone")]
    return {
        "id": gid("AbandonedCheckout", number),
        "name": f"#{number}",
        "note": "",
        "abandonedCheckoutUrl": f"https://shop.example/checkouts/{number}/recover",
        "createdAt": at(row["started_at"]),
        "updatedAt": at(row["updated_at"]),
        "completedAt": at(row["completed_at"]),
        "discountCodes": [],
        "totalPriceSet": total,
        "subtotalPriceSet": total,
        "totalLineItemsPriceSet": bag(sum((_worth(line) for line in lines), NOTHING), currency),
        "totalTaxSet": nothing,
        "totalDiscountSet": nothing,
        "taxesIncluded": False,
        "customer": None if whose is None else {"id": whose},
        "customAttributes": [{"key": key, "value": value} for key, value in given if value is not None],
        "lineItemsQuantity": sum(int(line["quantity"]) for line in lines),
        "lineItems": [_checkout_line(line, currency, titles) for line in lines],
    }


def _worth(line: Row) -> Decimal:
    return int(line["quantity"]) * exact(line["unit_price_amount"])


def _checkout_line(line: Row, currency: str, titles: Mapping[Any, str]) -> dict[str, Any]:
    product, price, whole = (
        line["product_id"],
        bag(exact(line["unit_price_amount"]), currency),
        bag(_worth(line), currency),
    )
    return {
        "id": gid("AbandonedCheckoutLineItem", inner_id(line["checkout_id"], line["line_id"])),
        "title": titles.get(product),
        "quantity": int(line["quantity"]),
        "sku": None if product is None else f"SKU-{product}",
        "product": None if product is None else {"id": gid("Product", product)},
        "variant": None if product is None else {"id": gid("ProductVariant", inner_id(product, 1))},
        "originalUnitPriceSet": price,
        "originalTotalPriceSet": whole,
        "discountedUnitPriceSet": price,
        "discountedTotalPriceSet": whole,
    }
