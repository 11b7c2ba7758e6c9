"""Shopify: what perennial.yml may say of a store, and the tables landed from it.

What lives here: names, types and defaults. What does not: queries (perennial/sources/shopify.py), meaning
(models/staging/shopify). Ids are the digits at the end of Shopify's gids.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from perennial.config.contract import Table, table
from perennial.config.parts import ApiSource


class Settings(ApiSource):
    """One store. `token_env` names an Admin API access token, or with `client_id` the client secret of an app."""

    kind: Literal["shopify"]
    shop: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")  # the name before .myshopify.com
    client_id: str | None = None
    api_version: str = "2026-10"
    page_size: int = Field(default=50, ge=1, le=250)
    requests_per_second: float = Field(default=4.0, gt=0)
    bulk_seconds: float = Field(default=4 * 3600.0, gt=0)  # how long a run waits for a bulk operation; the next goes on
    find_deleted: bool = True  # list the ids of all customers every night: who is gone was deleted or merged
    warranty_metafield: str | None = Field(default=None, pattern=r"^[^.\s]+\.[^.\s]+$")  # namespace.key, days


_TABLES = (
    table(
        "customers", "customer_id", "created_at",
        "customer_id:id! email:text phone:text first_name:text last_name:text country:text email_state:text"
        " email_state_changed_at:at phone_state:text phone_state_changed_at:at email_opt_in_level:text created_at:at"
        " updated_at:at state:text tags:text locale:text is_deleted:boolean",
    ),
    table("customer_ids", "customer_id", None, "customer_id:id! is_deleted:boolean"),
    table(
        "products", "product_id", "created_at",
        "product_id:id! title:text product_type:text status:text vendor:text warranty_days:text created_at:at"
        " updated_at:at",
    ),
    table(
        "orders", "order_id", "processed_at",
        "order_id:id! name:text customer_id:id email:text phone:text processed_at:at! created_at:at currency:text"
        " subtotal_amount:amount discount_amount:amount tax_amount:amount shipping_amount:amount total_amount:amount"
        " financial_status:text fulfillment_status:text is_test:boolean cancelled_at:at closed_at:at"
        " source_name_at_shop:text updated_at:at",
    ),
    table(
        "order_lines", "order_id line_id", None,
        "order_id:id! line_id:id! product_id:id variant_id:id title:text product_type:text sku:text quantity:quantity"
        " unit_price_amount:amount discount_amount:amount",
        parent="orders",
    ),
    table(
        "refunds", "refund_id", "created_at",
        "refund_id:id! order_id:id! customer_id:id created_at:at! updated_at:at currency:text goods_amount:amount"
        " tax_amount:amount shipping_amount:amount total_amount:amount",
    ),
    table(
        "checkouts", "checkout_id", "created_at",
        "checkout_id:id! customer_id:id email:text phone:text created_at:at! updated_at:at completed_at:at"
        " total_amount:amount currency:text",
    ),
    table(
        "checkout_lines", "checkout_id line_id", None,
        "checkout_id:id! line_id:id! product_id:id quantity:quantity unit_price_amount:amount",
        parent="checkouts",
    ),
)  # fmt: skip

TABLES: dict[str, Table] = {each.name: each for each in _TABLES}
