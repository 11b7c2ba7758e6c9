"""Shopify's sample tables (REST and GraphQL) and webhook payloads as the landed tables of its connector.

What lives here: which of their columns and paths fills which landed column. What does not: reading and landing them
(api_shapes.py), the connector's own queries (perennial/sources/shopify).

Ids of payloads are taken from gids where there is one: the collector of the samples rounded the numbers beside them.
Money is the shop's. States are written large, as GraphQL writes them and REST does not.
"""

from __future__ import annotations

from collections.abc import Sequence

from tests.support.api_shapes import Delivery, Detail, cell, columns, elements, path

DELETED = {"deleted at the shop: no landed column says so": "upper(item._fivetran_deleted) = 'TRUE'"}
_MONEY = "decimal(18,4)"


def _seed(table: str) -> str:
    return f"dbt_shopify/shopify_{table}_data.csv"


def _answer(told: str, since: str) -> dict[str, str]:
    """A tick of the older API as the state of the newer one."""
    state = f"case lower({told}) when 'true' then 'SUBSCRIBED' when 'false' then 'NOT_SUBSCRIBED' end"
    return {"email_state": state, "email_state_changed_at": since}


def _sum(detail: str, amount: str, condition: str) -> str:
    return f"(select sum(cast({amount} as {_MONEY})) from {{{detail}}} as each where {condition})"


# --- tables of the REST API

_REST = "shop_rest"
_REFUNDED = "each.refund_id = item.id"
REST = (
    Delivery(
        _REST, "shopify", "customers", [_seed("customer")],
        columns(
            "customer_id=id email phone first_name last_name created_at updated_at state", cell,
            **_answer("item.accepts_marketing", "null"),
        ),
    ),
    Delivery(
        _REST, "shopify", "products", [_seed("product")],
        columns("product_id=id title product_type vendor created_at updated_at", cell), left_out=DELETED,
    ),
    Delivery(
        _REST, "shopify", "orders", [_seed("order")],
        columns(
            "order_id=id name customer_id email phone=shipping_address_phone processed_at created_at currency"
            " subtotal_amount=subtotal_price discount_amount=total_discounts tax_amount=total_tax"
            " total_amount=total_price is_test=test cancelled_at closed_at source_name_at_shop=source_name updated_at",
            cell,
            shipping_amount=_sum("shipping", "each.discounted_price", "each.order_id = item.id"),
            financial_status="upper(item.financial_status)",
            fulfillment_status="upper(item.fulfillment_status)",
        ),
        details={"shipping": Detail(_seed("order_shipping_line"), "order_id", "id")},
    ),
    Delivery(
        _REST, "shopify", "order_lines", [_seed("order_line")],
        columns(
            "order_id line_id=id product_id variant_id title sku quantity unit_price_amount=price"
            " discount_amount=total_discount", cell,
        ),
    ),
    Delivery(
        _REST, "shopify", "refunds", [_seed("refund")],
        columns(
            "refund_id=id order_id created_at updated_at=created_at", cell,
            goods_amount=f"coalesce({_sum('lines', 'each.subtotal', _REFUNDED)}, 0)",
            tax_amount=f"coalesce({_sum('lines', 'each.total_tax', _REFUNDED)}, 0)",
            shipping_amount=(
                "coalesce(-" + _sum("adjusted", "each.amount", f"{_REFUNDED} and each.kind = 'shipping_refund'") + ", 0)"
            ),
        ),
        details={
            "lines": Detail(_seed("order_line_refund"), "refund_id", "id"),
            "adjusted": Detail(_seed("order_adjustment"), "refund_id", "id"),
        },
    ),
    Delivery(
        _REST, "shopify", "checkouts", [_seed("abandoned_checkout")],
        columns(
            "checkout_id=id customer_id email phone created_at updated_at completed_at=closed_at"
            " total_amount=total_price currency", cell,
        ),
        left_out=DELETED,
    ),
)  # fmt: skip

# --- tables of the GraphQL API

_GRAPHQL = "shop_graphql"


def _shop(amount: str) -> str:
    return f"{amount}_set_shop_amount"


_GOODS = f"coalesce({_sum('lines', 'each.' + _shop('subtotal'), _REFUNDED)}, 0)"
_TAX = f"coalesce({_sum('lines', 'each.' + _shop('total_tax'), _REFUNDED)}, 0)"
GRAPHQL = (
    Delivery(
        _GRAPHQL, "shopify", "customers", [_seed("gql_customer")],
        columns(
            "customer_id=id email phone first_name last_name email_state=email_marketing_consent_state"
            " email_state_changed_at=email_marketing_consent_updated_at"
            " email_opt_in_level=email_marketing_consent_opt_in_level created_at updated_at state", cell,
            country="(select each.country_code from {addresses} as each where each.customer_id = item.id"
            " and upper(each.is_default) = 'TRUE')",
        ),
        details={"addresses": Detail(_seed("gql_customer_address"), "customer_id", "id")},
    ),
    Delivery(
        _GRAPHQL, "shopify", "products", [_seed("gql_product")],
        columns("product_id=id title product_type status vendor created_at updated_at", cell), left_out=DELETED,
    ),
    Delivery(
        _GRAPHQL, "shopify", "orders", [_seed("gql_order")],
        columns(
            "order_id=id name customer_id email created_at currency=currency_code"
            f" subtotal_amount={_shop('subtotal_price')} discount_amount={_shop('total_discounts')}"
            f" tax_amount={_shop('total_tax')} shipping_amount={_shop('total_shipping_price')}"
            f" total_amount={_shop('total_price')} financial_status=display_financial_status"
            " fulfillment_status=display_fulfillment_status is_test=test cancelled_at closed_at"
            " source_name_at_shop=source_name updated_at", cell,
            processed_at="coalesce(nullif(item.processed_at, ''), item.created_at)",
        ),
        left_out=DELETED,
    ),
    Delivery(
        _GRAPHQL, "shopify", "order_lines", [_seed("gql_order_line")],
        columns(
            f"order_id line_id=id product_id variant_id title sku quantity discount_amount={_shop('total_discount')}",
            cell,
            unit_price_amount=f"cast(item.{_shop('original_total')} as {_MONEY}) / cast(item.quantity as integer)",
        ),
    ),
    Delivery(
        _GRAPHQL, "shopify", "refunds", [_seed("gql_refund")],
        columns(
            "refund_id=id order_id created_at updated_at currency=total_refunded_set_shop_currency_code"
            f" total_amount={_shop('total_refunded')}", cell,
            goods_amount=_GOODS,
            tax_amount=_TAX,
            # what was paid back beyond goods and their tax, as the connector has it
            shipping_amount=f"greatest(cast(item.{_shop('total_refunded')} as {_MONEY}) - {_GOODS} - {_TAX}, 0)",
        ),
        details={"lines": Detail(_seed("gql_order_line_refund"), "refund_id", "id")},
    ),
    Delivery(
        _GRAPHQL, "shopify", "checkouts", [_seed("gql_abandoned_checkout")],
        columns(
            f"checkout_id=id customer_id created_at updated_at completed_at total_amount={_shop('total_price')}"
            " currency=total_price_set_shop_currency_code", cell,
        ),
        left_out=DELETED,
    ),
)  # fmt: skip

# --- webhooks: one source per version of the API, since each is a shop of its own

_PAID = "total_price_set.shop_money.amount"
_ORDERS = ("cancelled", "create", "fulfilled", "paid", "partially_fulfilled", "updated")


def _topics(version: str, thing: str, events: Sequence[str]) -> list[str]:
    return [f"shopify/{version}/{thing}.{event}.json" for event in events]


def _refunded(field: str) -> str:
    amounts = f"list_transform({elements('refund_line_items')}, lambda x: cast(x ->> '$.{field}' as {_MONEY}))"
    return f"coalesce(list_sum({amounts}), 0)"


def _older(parent: str, key: str) -> dict[str, str]:
    """Lines belong to one version of what they are lines of, as perennial/sources/api/newest.py has it."""
    updated = f"cast({path('updated_at')} as timestamptz)"
    return {f"of an older version of its {parent}": f"{updated} < max({updated}) over (partition by {key})"}


def webhooks(version: str) -> tuple[Delivery, ...]:
    source = f"shop_{version.replace('-', '_')}"
    customers = _topics(version, "customers", ("create", "disable", "enable", "update"))
    orders = _topics(version, "orders", _ORDERS)
    checkouts = _topics(version, "checkouts", ("create", "update"))
    allocated = "list_transform(coalesce(cast(line -> '$.discount_allocations' as json[]), []), lambda x: cast(x ->> '$.amount_set.shop_money.amount' as decimal(18,4)))"
    ticked = _answer(path("accepts_marketing"), "null")["email_state"]
    # the number is rounded; the name is the number, not rounded
    checkout = f"ltrim({path('name')}, '#')"
    return (
        Delivery(
            source, "shopify", "customers", customers,
            columns(
                "customer_id=admin_graphql_api_id# email phone first_name last_name country=default_address.country_code"
                " email_state_changed_at=email_marketing_consent.consent_updated_at"
                " email_opt_in_level=email_marketing_consent.opt_in_level"
                " phone_state_changed_at=sms_marketing_consent.consent_updated_at created_at updated_at state tags",
                path,
                email_state=f"coalesce(upper({path('email_marketing_consent.state')}), {ticked})",
                phone_state=f"upper({path('sms_marketing_consent.state')})",
            ),
        ),
        Delivery(
            source, "shopify", "products", _topics(version, "products", ("create", "update")),
            columns(
                "product_id=admin_graphql_api_id# title product_type vendor created_at updated_at", path,
                status=f"upper({path('status')})",
            ),
        ),
        Delivery(
            source, "shopify", "orders", orders,
            columns(
                "order_id=admin_graphql_api_id# name customer_id=customer.admin_graphql_api_id# email phone"
                " created_at currency subtotal_amount=subtotal_price discount_amount=total_discounts"
                " tax_amount=total_tax shipping_amount=total_shipping_price_set.shop_money.amount"
                f" total_amount={_PAID} is_test=test cancelled_at closed_at source_name_at_shop=source_name updated_at",
                path,
                processed_at=f"coalesce({path('processed_at')}, {path('created_at')})",
                financial_status=f"upper({path('financial_status')})",
                fulfillment_status=f"upper({path('fulfillment_status')})",
            ),
        ),
        Delivery(
            source, "shopify", "order_lines", orders,
            columns(
                "order_id=admin_graphql_api_id# line_id=line.admin_graphql_api_id# product_id=line.product_id"
                " variant_id=line.variant_id title=line.title sku=line.sku quantity=line.quantity"
                " unit_price_amount=line.price_set.shop_money.amount", path,
                discount_amount=f"coalesce(list_sum({allocated}), 0)",
            ),
            each=elements("line_items"),
            left_out=_older("order", path("admin_graphql_api_id#")),
        ),
        Delivery(
            source, "shopify", "refunds", _topics(version, "refunds", ("create",)),
            columns(
                "refund_id=admin_graphql_api_id# created_at updated_at=created_at"
                " currency=total_duties_set.shop_money.currency_code", path,
                order_id="item -> '$.order_id'",  # a JSON number, left to landing to read
                goods_amount=_refunded("subtotal_set.shop_money.amount"),
                tax_amount=_refunded("total_tax_set.shop_money.amount"),
                shipping_amount="0",
            ),
        ),
        Delivery(
            source, "shopify", "checkouts", checkouts,
            columns(
                "customer_id=customer.admin_graphql_api_id# email phone created_at updated_at completed_at"
                " total_amount=total_price currency", path,
                checkout_id=checkout,
            ),
        ),
        Delivery(
            source, "shopify", "checkout_lines", checkouts,
            columns(
                "product_id=line.product_id quantity=line.quantity unit_price_amount=line.price", path,
                checkout_id=checkout,
                line_id=f"concat({path('line.key')}, ':', place)",  # one key may stand on several lines
            ),
            each=elements("line_items"),
            left_out=_older("checkout", checkout),
        ),
    )  # fmt: skip


SHOPIFY = (*REST, *GRAPHQL, *webhooks("2023-01"), *webhooks("2024-10"))
