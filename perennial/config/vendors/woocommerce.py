"""WooCommerce: what perennial.yml may say of a store, and the tables landed from it.

What lives here: names, types and defaults. What does not: how the store is read (perennial/sources/woocommerce),
meaning (models/staging/woocommerce). Lines carry the `updated_at` of the version of their order that they belong to.
Customers and refunds are read whole every night; what is gone is deleted then.
"""

from __future__ import annotations

from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from perennial.config.contract import Table, table
from perennial.config.parts import ApiSource
from perennial.config.values import Variable


class Settings(ApiSource):
    """One store. `key_env` and `token_env` name the consumer key and the consumer secret of its REST API."""

    kind: Literal["woocommerce"]
    base_url: str  # the store's own, up to where /wp-json begins
    key_env: Variable
    api_version: str = Field(default="v3", pattern=r"^v\d+$")
    page_size: int = Field(default=100, ge=2, le=100)
    requests_per_second: float = Field(default=2.0, gt=0)  # core names no rate; hosts do not like more
    # store: GET /refunds, in WooCommerce 9.0 and later; orders: the refunds of each order that changed, one call each
    refunds_from: Literal["store", "orders"] = "store"
    opt_in_key: str | None = Field(
        default=None, min_length=1
    )  # the meta_data key where a plugin keeps a customer's yes

    @field_validator("base_url")
    @classmethod
    def _protected(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme == "http" and parts.hostname not in ("127.0.0.1", "localhost", "::1"):
            raise ValueError("would send the keys unprotected, and stores refuse that; write https://")
        return value


_TABLES = (
    table(
        "customers", "customer_id", "created_at",
        "customer_id:id! email:text phone:text first_name:text last_name:text country:text role:text username:text"
        " opt_in:text is_paying:boolean created_at:at updated_at:at is_deleted:boolean",
    ),
    table(
        "products", "product_id", "created_at",
        "product_id:id! name:text sku:text category:text product_type:text status:text stock_status:text"
        " price_amount:amount created_at:at updated_at:at is_deleted:boolean",
    ),
    table(
        "orders", "order_id", "created_at",
        "order_id:id! number:text customer_id:id email:text phone:text first_name:text last_name:text country:text"
        " created_at:at! currency:text subtotal_amount:amount discount_amount:amount tax_amount:amount"
        " shipping_amount:amount total_amount:amount refunded_amount:amount status:text is_test:boolean"
        " created_via:text paid_at:at completed_at:at updated_at:at is_deleted:boolean",
    ),
    table(
        "order_lines", "order_id line_id", None,
        "order_id:id! line_id:id! product_id:id variation_id:id name:text sku:text quantity:quantity"
        " subtotal_amount:amount total_amount:amount tax_amount:amount updated_at:at",
        parent="orders",
    ),
    table(
        "refunds", "refund_id", "created_at",
        "refund_id:id! order_id:id! created_at:at! total_amount:amount! tax_amount:amount shipping_amount:amount"
        " reason:text updated_at:at is_deleted:boolean",
    ),
)  # fmt: skip

TABLES: dict[str, Table] = {each.name: each for each in _TABLES}
