"""The demo installation's perennial.yml, and which of its tables are files.

What lives here: the text, its ports, the names of its secrets. What does not: making the world (make.py), the vendors'
APIs (perennial/sandbox).
"""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from perennial.demo.orders import OUTLET_WORDS
from perennial.demo.scale import TIME_ZONE
from perennial.demo.write import RENAMED

SECRET_ENV = "PERENNIAL_DEMO_WEBHOOK_SECRET"
RECEIVER_PATH = "/perennial"
DEFAULT_PORT = 47_801
SANDBOX_PORT = 47_802
TOKEN_ENV = "PERENNIAL_DEMO_{}_TOKEN"  # per vendor, in capitals
HOOK_ENV = "PERENNIAL_DEMO_RESPOND_IO_KEY"
HOOK = "events"
# source → the vendor behind it
OVER_APIS = {"shop": "shopify", "crm": "hubspot", "messaging": "klaviyo", "inbox": "respond_io"}
SITE = "site"  # what no vendor carries, as an export of the site beside the shop
_CARRIED_BY_NOBODY = (("shop", "site_events"), ("shop", "stock_changes"), ("messaging", "advocacy_events"))


def not_over_apis(tables: Mapping[tuple[str, str], pd.DataFrame]) -> dict[tuple[str, str], pd.DataFrame]:
    """What is delivered as files where the shop, the CRM and messaging are read over APIs."""
    left = {key: rows for key, rows in tables.items() if key[0] == "outlet"}
    left |= {(SITE, table): tables[source, table] for source, table in _CARRIED_BY_NOBODY}
    consents = tables["shop", "consents"]
    left[SITE, "consents"] = consents[consents["purpose"] == "ads"]  # a shop knows of e-mail and text messages alone
    return left


def token_env(vendor: str) -> str:
    return TOKEN_ENV.format(vendor.upper())


def receiver_url(port: int) -> str:
    return f"http://127.0.0.1:{port}{RECEIVER_PATH}"


def sandbox_url(port: int) -> str:
    return f"http://127.0.0.1:{port}/"


def configuration(port: int, sandbox_port: int | None = None) -> str:
    """The demo installation's perennial.yml: all files, or the vendors' APIs in the sandbox at this port."""
    sources = _all_files() if sandbox_port is None else _over_apis(sandbox_port)
    return f"""# The demo installation, written by `perennial demo`. Nobody in it exists.
business: {{time_zone: {TIME_ZONE}, currency: GBP}}
sources:
{sources}destinations:
  mailer:
    kind: webhook
    url: {receiver_url(port)}
    secret_env: {SECRET_ENV}
    allow_private_address: true
    audiences: [win_back]
  print_house: {{kind: files, path: outbox/, audiences: all}}
"""


def _all_files() -> str:
    return f"""  shop: {{kind: files, path: exports/shop, brand: acme, country: GB}}
{_outlet()}  crm: {{kind: files, path: exports/crm, country: GB}}
  messaging: {{kind: files, path: exports/messaging, country: GB}}
"""


def _over_apis(port: int) -> str:
    fast = "requests_per_second: 1000"  # the sandbox of the demo is in no hurry to be left alone
    addresses = {vendor: f"{sandbox_url(port)}{vendor}" for vendor in OVER_APIS.values()}
    common = {
        source: f"    token_env: {token_env(vendor)}\n    base_url: {addresses[vendor]}\n    country: GB\n    {fast}\n"
        for source, vendor in OVER_APIS.items()
    }
    return f"""  # Shopify, HubSpot, Klaviyo and respond.io, played by `perennial sandbox`
  shop:
    kind: shopify
    shop: acme
    brand: acme
    warranty_metafield: custom.warranty_days
{common["shop"]}  crm:
    kind: hubspot
{common["crm"]}  messaging:
    kind: klaviyo
{common["messaging"]}  inbox:
    kind: respond_io
    hook_env: {{{HOOK}: {HOOK_ENV}}}
{common["inbox"]}  # what none of them carries: visits, stock, reviews, consent to ads
  site: {{kind: files, path: exports/{SITE}, brand: acme, country: GB, shares_ids_with: shop}}
  # a second shop beside the first
{_outlet()}"""


def _outlet() -> str:
    columns = "".join(
        f"      {table}: {{{', '.join(f'{name}: {theirs}' for name, theirs in names.items())}}}\n"
        for (_, table), names in RENAMED.items()
    )
    words = ", ".join(f"{theirs}: {ours}" for ours, theirs in OUTLET_WORDS.items())
    return f"""  outlet:
    kind: files
    path: exports/outlet
    brand: acme_outlet
    country: GB
    time_zone: {TIME_ZONE}
    status_map: {{{words}}}
    columns:
{columns}"""
