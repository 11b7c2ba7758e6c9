"""`perennial demo make`: a whole demo world in a folder: exports, hidden truth, and a perennial.yml for the exports.

What lives here: the order in which the world is made, and its configuration file. What does not: any table.
"""

from __future__ import annotations

import json
import shutil
from datetime import date
from pathlib import Path

from perennial.config.files import write_atomically
from perennial.demo.accounts import make_accounts
from perennial.demo.browsing import add_carts, add_site_events, make_carts
from perennial.demo.buying import make_purchases
from perennial.demo.catalogue import add_products, make_catalogue
from perennial.demo.consents import add_consents
from perennial.demo.conversations import add_advocacy, add_conversations
from perennial.demo.crm import add_appointments, add_deals, add_stage_changes, make_contacts
from perennial.demo.installation import DEFAULT_PORT, configuration, not_over_apis
from perennial.demo.messages import add_campaigns, add_messages, make_messages
from perennial.demo.order_details import add_exchange_rates, add_lines, add_refunds
from perennial.demo.orders import add_orders, make_orders, split_by_shop
from perennial.demo.people import make_people
from perennial.demo.records import Exports
from perennial.demo.scale import Scale
from perennial.demo.truth import truth_tables
from perennial.demo.write import write_exports, write_parquet

MARK = "demo.json"  # says that a folder is a demo's, and of which scale; written first
CONFIG = "perennial.yml"  # written last: a demo with it is whole


class NotADemo(Exception):
    """The folder holds something that is not a demo's and would be overwritten: says what and what to do."""


def make_demo(folder: Path, scale: Scale, port: int = DEFAULT_PORT, sandbox_port: int | None = None) -> Exports:
    """Write the world of this scale under the folder. The same scale and ports give the same bytes.

    Without a sandbox every system delivers files. With one, the shop, the CRM and messaging are read over their
    vendors' APIs there, and only what no vendor carries is written as files.
    """
    _clear(folder, scale)
    exports = make_world(scale)
    _write(folder, exports, port, sandbox_port)
    return exports


def scale_of(folder: Path) -> Scale | None:
    """The scale of the whole demo in this folder; none where there is none, or where its making was cut off."""
    if not (folder / MARK).exists() or not (folder / CONFIG).exists():
        return None
    flags = json.loads((folder / MARK).read_text(encoding="utf-8"))
    return Scale(flags["people"], flags["years"], flags["seed"], date.fromisoformat(flags["as_of"]))


def _clear(folder: Path, scale: Scale) -> None:
    """Mark the folder as a demo's and empty what a demo writes. Refuses what another hand wrote."""
    if not (folder / MARK).exists():
        for place in (folder / "exports", folder / "truth", folder / CONFIG):
            if place.exists():
                raise NotADemo(f"{place}: is not a demo's and would be overwritten; name another folder with --out")
    flags = {"people": scale.people, "years": scale.years, "seed": scale.seed, "as_of": scale.as_of.isoformat()}
    write_atomically(folder / MARK, json.dumps(flags) + "\n")
    (folder / CONFIG).unlink(missing_ok=True)
    for part in ("exports", "truth"):
        shutil.rmtree(folder / part, ignore_errors=True)


def make_world(scale: Scale) -> Exports:
    """Every table of every system, and the truth, in memory."""
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
    exports.truth = truth_tables(exports, people, win_back, scale)
    return exports


def _write(folder: Path, exports: Exports, port: int, sandbox_port: int | None) -> None:
    (folder / "truth").mkdir(parents=True, exist_ok=True)
    write_exports(folder / "exports", exports.tables if sandbox_port is None else not_over_apis(exports.tables))
    for name, rows in exports.truth.items():
        write_parquet(folder / "truth" / f"{name}.parquet", rows)
    write_atomically(folder / CONFIG, configuration(port, sandbox_port))
