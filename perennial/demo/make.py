"""`perennial demo make`: a whole demo world in a folder: exports, hidden truth, and a perennial.yml for the exports.

What lives here: the order in which the world is made, and its configuration file. What does not: any table.
"""

from __future__ import annotations

from pathlib import Path

from perennial.config.files import write_atomically
from perennial.demo.accounts import make_accounts
from perennial.demo.browsing import add_carts, add_site_events, make_carts
from perennial.demo.buying import make_purchases
from perennial.demo.catalogue import add_products, make_catalogue
from perennial.demo.consents import add_consents
from perennial.demo.conversations import add_advocacy, add_conversations
from perennial.demo.crm import add_appointments, add_deals, add_stage_changes, make_contacts
from perennial.demo.messages import add_campaigns, add_messages, make_messages
from perennial.demo.order_details import add_exchange_rates, add_lines, add_refunds
from perennial.demo.orders import OUTLET_WORDS, add_orders, make_orders, split_by_shop
from perennial.demo.people import make_people
from perennial.demo.records import Exports
from perennial.demo.scale import TIME_ZONE, Scale
from perennial.demo.truth import truth_tables
from perennial.demo.write import RENAMED, write_exports, write_parquet

SECRET_ENV = "PERENNIAL_DEMO_WEBHOOK_SECRET"
RECEIVER_PATH = "/perennial"
DEFAULT_PORT = 47_801


def make_demo(folder: Path, scale: Scale, port: int = DEFAULT_PORT) -> Exports:
    """Write the world of this scale under the folder. The same scale and port give the same bytes."""
    exports = Exports()
    people = make_people(scale)
    purchases, win_back = make_purchases(people, scale)
    catalogue = make_catalogue(scale)
    add_products(exports, catalogue, scale)
    at_outlet = split_by_shop(people, purchases, scale)
    accounts, orders = {}, {}
    for shop, here in (("shop", ~at_outlet), ("outlet", at_outlet)):
        accounts[shop] = make_accounts(exports, people, shop, scale)
        orders[shop] = make_orders(
            people, accounts[shop], catalogue, purchases.person[here], purchases.at[here], shop, scale
        )
        add_orders(exports, people, accounts[shop], orders[shop], shop, scale)
        add_lines(exports, catalogue, orders[shop], shop)
        add_refunds(exports, accounts[shop], orders[shop], shop, scale)
    add_exchange_rates(exports, scale)
    carts = make_carts(people, accounts["shop"], catalogue, orders["shop"], scale)
    add_carts(exports, accounts["shop"], catalogue, carts, scale)
    add_site_events(exports, people, accounts["shop"], catalogue, carts, scale)
    contacts = make_contacts(exports, people, scale)
    add_stage_changes(exports, contacts, scale)
    add_deals(exports, contacts, scale)
    add_appointments(exports, contacts, scale)
    sent = make_messages(people, purchases, win_back, carts, scale)
    add_campaigns(exports, sent, scale)
    add_messages(exports, people, sent, purchases, scale)
    add_conversations(exports, people, scale)
    add_advocacy(exports, people, purchases, scale)
    add_consents(exports, people, accounts["shop"], contacts, scale)
    _write(folder, exports, truth_tables(exports, people, win_back, scale), port)
    return exports


def _write(folder: Path, exports: Exports, truth: dict, port: int) -> None:
    (folder / "truth").mkdir(parents=True, exist_ok=True)
    write_exports(folder / "exports", exports.tables)
    for name, rows in truth.items():
        write_parquet(folder / "truth" / f"{name}.parquet", rows)
    write_atomically(folder / "perennial.yml", configuration(port))


def receiver_url(port: int) -> str:
    return f"http://127.0.0.1:{port}{RECEIVER_PATH}"


def configuration(port: int) -> str:
    """The demo installation's perennial.yml."""
    columns = "".join(
        f"      {table}: {{{', '.join(f'{name}: {theirs}' for name, theirs in names.items())}}}\n"
        for (_, table), names in RENAMED.items()
    )
    words = ", ".join(f"{theirs}: {ours}" for ours, theirs in OUTLET_WORDS.items())
    return f"""# The demo installation, written by `perennial demo`. Nobody in it exists.
business: {{time_zone: {TIME_ZONE}, currency: GBP}}
sources:
  shop: {{kind: files, path: exports/shop, brand: acme, country: GB}}
  outlet:
    kind: files
    path: exports/outlet
    brand: acme_outlet
    country: GB
    time_zone: {TIME_ZONE}
    status_map: {{{words}}}
    columns:
{columns}  crm: {{kind: files, path: exports/crm, country: GB}}
  messaging: {{kind: files, path: exports/messaging, country: GB}}
destinations:
  mailer:
    kind: webhook
    url: {receiver_url(port)}
    secret_env: {SECRET_ENV}
    allow_private_address: true
    audiences: [win_back]
  print_house: {{kind: files, path: outbox/, audiences: all}}
"""
