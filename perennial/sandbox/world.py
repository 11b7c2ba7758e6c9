"""The demo world behind the vendors' APIs: which of its tables each vendor holds, and what no vendor carries.

What lives here: the vendors of a sandbox, seeded or empty. What does not: shapes (each vendor's world.py), serving
(server.py), the demo's configuration (perennial/demo).
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

import pandas as pd

from perennial.sandbox.core import Vendor

# vendor → its class, and the demo's source it stands for; none: held empty, for whoever seeds it
VENDORS: dict[str, tuple[str, str | None]] = {
    "shopify": ("ShopifyApi", "shop"),
    "hubspot": ("HubspotApi", "crm"),
    "klaviyo": ("KlaviyoApi", "messaging"),
    "respond_io": ("RespondIoApi", "messaging"),
    "woocommerce": ("WoocommerceApi", "outlet"),
    "omnisend": ("OmnisendApi", None),
}
Tables = Mapping[tuple[str, str], pd.DataFrame]


def token(vendor: str) -> str:
    """What the sandbox's vendor takes for a token."""
    return f"sandbox-{vendor}-token"


def vendors(tables: Tables | None = None, *, limits: float = 1.0) -> list[Vendor]:
    """Every vendor of the sandbox; with the demo's tables, each holding its part of them.

    `limits` multiplies the vendors' real rate limits.
    """
    found = []
    for name, (class_name, source) in VENDORS.items():
        vendor: Any = getattr(importlib.import_module(f"perennial.sandbox.{name}.api"), class_name)(limits=limits)
        if tables is not None and source is not None:
            _seed(vendor, name, source, tables)
        found.append(vendor)
    return found


def _seed(vendor: Vendor, name: str, source: str, tables: Tables) -> None:
    world = importlib.import_module(f"perennial.sandbox.{name}.world")
    own: Any = {table: rows for (of, table), rows in tables.items() if of == source}
    if name == "respond_io":
        own = tables
    for collection, records in world.records(own).items():
        vendor.seed(collection, records)
