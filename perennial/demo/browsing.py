"""What people do on the shop's site: devices with anonymous ids, carts left and carts paid, page and product views.

What lives here: shop_checkouts, shop_checkout_lines, site_events. What does not: orders (orders.py).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from perennial.demo.accounts import Accounts
from perennial.demo.catalogue import Catalogue
from perennial.demo.contacts import mistype_emails
from perennial.demo.orders import Orders
from perennial.demo.people import People
from perennial.demo.records import Exports, big_ids, known, moments, money, only, texts, where
from perennial.demo.scale import DAY, NEVER, Scale

CHECKOUT_ID_FROM = 9_500_000_000_000_001
BY_NOTHING, BY_ACCOUNT, BY_EMAIL = 0, 1, 2


@dataclass(frozen=True)
class Carts:
    checkout_id: np.ndarray
    person: np.ndarray
    account: np.ndarray  # -1 where the cart is not a customer's
    email: np.ndarray  # clean
    started_at: np.ndarray
    completed_at: np.ndarray  # NEVER where abandoned
    lines: pd.DataFrame


def make_carts(people: People, accounts: Accounts, catalogue: Catalogue, orders: Orders, scale: Scale) -> Carts:
    """Three in five orders leave a cart in the export; the rest of the carts are abandoned."""
    rng = scale.stream("carts")
    paid = np.flatnonzero(rng.random(orders.count) < 0.6)
    left_by, left_at = _left_behind(people, orders, scale, rng)
    person = np.concatenate([orders.person[paid], left_by])
    completed = np.concatenate([orders.at[paid], np.full(len(left_by), NEVER)])
    started = np.concatenate([orders.at[paid] - rng.integers(120, 2400, len(paid)), left_at])
    account = np.concatenate([orders.account[paid], accounts.first_of[left_by]])
    account = np.where(rng.random(len(person)) < 0.15, -1, account)
    email = where((account < 0) & (rng.random(len(person)) < 0.6), people.email[person])
    lines = _cart_lines(catalogue, len(person), rng)
    checkout_id = CHECKOUT_ID_FROM + 3 * np.arange(len(person), dtype=np.int64)
    return Carts(checkout_id, person, account, email, started, completed, lines)


def _left_behind(
    people: People, orders: Orders, scale: Scale, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Abandoned carts: about one for every two orders, some by people who never bought."""
    bought = np.bincount(orders.person, minlength=people.count)
    person = np.repeat(np.arange(people.count), rng.poisson(0.45 * bought + 0.12))
    until = np.minimum(people.churned_at, scale.end - DAY)[person]
    room = np.maximum(until - people.joined_at[person], 3600)
    at = people.joined_at[person] + (rng.random(len(person)) * room).astype(np.int64)
    return person, np.minimum(at, scale.end - DAY)


def _cart_lines(catalogue: Catalogue, count: int, rng: np.random.Generator) -> pd.DataFrame:
    cart = np.repeat(np.arange(count), 1 + rng.poisson(0.8, count))
    product = catalogue.pick(len(cart), rng)
    lines = pd.DataFrame({"cart": cart, "product": product, "quantity": 1 + rng.poisson(0.3, len(cart))})
    lines["price"] = catalogue.price_pence[product]
    lines["line"] = lines.groupby("cart").cumcount() + 1
    return lines


def add_carts(exports: Exports, accounts: Accounts, catalogue: Catalogue, carts: Carts, scale: Scale) -> None:
    rng = scale.stream("cart rows")
    by_account = carts.account >= 0
    total = np.bincount(carts.lines["cart"], carts.lines["quantity"] * carts.lines["price"], len(carts.person))
    done = carts.completed_at < NEVER
    touched = np.where(done, carts.completed_at, carts.started_at + rng.integers(30, 1800, len(done)))
    exports.add(
        "shop",
        "shop_checkouts",
        pd.DataFrame(
            {
                "checkout_id": carts.checkout_id,
                "customer_id": big_ids(by_account, accounts.customer_id[np.maximum(carts.account, 0)]),
                "email": mistype_emails(carts.email, rng),
                "started_at": moments(carts.started_at),
                "updated_at": moments(touched),
                "completed_at": moments(carts.completed_at),
                "total_amount": money(total.astype(np.int64)),
                "currency": "GBP",
            }
        ),
    )
    _remember_guests(exports, carts)
    cart, product = carts.lines["cart"].to_numpy(), carts.lines["product"].to_numpy()
    exports.add(
        "shop",
        "shop_checkout_lines",
        pd.DataFrame(
            {
                "checkout_id": carts.checkout_id[cart],
                "line_id": carts.lines["line"],
                "product_id": catalogue.product_id[product],
                "quantity": carts.lines["quantity"],
                "unit_price_amount": money(carts.lines["price"].to_numpy()),
            }
        ),
    )


def _remember_guests(exports: Exports, carts: Carts) -> None:
    guest = (carts.account < 0) & known(carts.email)
    record_id = texts("checkout:", carts.checkout_id[guest])
    exports.remember("shop", "guest_order", record_id, carts.person[guest], email=carts.email[guest])


def add_site_events(
    exports: Exports, people: People, accounts: Accounts, catalogue: Catalogue, carts: Carts, scale: Scale
) -> None:
    """Visits with and without a cart; three devices in five are one day identified by a log-in or a form."""
    rng = scale.stream("site events")
    devices, device_of = _devices(people, accounts, scale, rng)
    visits = _visits(people, carts, scale, rng)
    per_visit = 2 + rng.poisson(1.6, len(visits))
    events = visits.loc[visits.index.repeat(per_visit)].reset_index(drop=True)
    count = len(events)
    events["at"] += rng.integers(0, 1500, count)
    person = events["person"].to_numpy()
    second = (rng.random(count) < 0.3) & (device_of[person, 1] >= 0)
    events["device"] = np.where(second, device_of[person, 1], device_of[person, 0])
    kind = rng.choice(5, count, p=(0.38, 0.42, 0.15, 0.02, 0.03))
    names = np.array(["page_view", "product_view", "search", "stock_alert_request", "form_submit"], dtype=object)
    events["event_type"] = names[kind]
    has_product = (kind == 1) | (kind == 3)
    events["product_id"] = pd.arrays.IntegerArray(catalogue.product_id[catalogue.pick(count, rng)], ~has_product)
    events = events[events["at"] < scale.end].sort_values(["at", "person"], kind="stable", ignore_index=True)
    _add_event_rows(exports, people, accounts, events, devices, rng)


def _devices(
    people: People, accounts: Accounts, scale: Scale, rng: np.random.Generator
) -> tuple[pd.DataFrame, np.ndarray]:
    has_second = rng.random(people.count) < 0.35
    person = np.concatenate([np.arange(people.count), np.flatnonzero(has_second)])
    device_of = np.full((people.count, 2), -1)
    device_of[:, 0] = np.arange(people.count)
    device_of[has_second, 1] = np.arange(people.count, len(person))
    has_account = accounts.first_of[person] >= 0
    draw = rng.random(len(person))
    known_by = np.select([(draw < 0.5) & has_account, (draw >= 0.5) & (draw < 0.7)], [BY_ACCOUNT, BY_EMAIL], BY_NOTHING)
    marks = rng.integers(0, 2**32, len(person))
    anonymous_id = np.array([f"a{i:06x}{mark:08x}" for i, mark in enumerate(marks)], dtype=object)
    return pd.DataFrame({"person": person, "known_by": known_by, "anonymous_id": anonymous_id}), device_of


def _visits(people: People, carts: Carts, scale: Scale, rng: np.random.Generator) -> pd.DataFrame:
    idle = np.repeat(np.arange(people.count), rng.poisson(1.5, people.count))
    until = np.minimum(people.churned_at, scale.end)[idle]
    at = people.joined_at[idle] + (rng.random(len(idle)) * np.maximum(until - people.joined_at[idle], 60)).astype(
        np.int64
    )
    checkout = np.concatenate([carts.checkout_id, np.zeros(len(idle), dtype=np.int64)])
    return pd.DataFrame(
        {
            "person": np.concatenate([carts.person, idle]),
            "at": np.concatenate([carts.started_at - 1600, at]),
            "checkout": checkout,
        }
    )


def _add_event_rows(
    exports: Exports,
    people: People,
    accounts: Accounts,
    events: pd.DataFrame,
    devices: pd.DataFrame,
    rng: np.random.Generator,
) -> None:
    count, person = len(events), events["person"].to_numpy()
    device = events["device"].to_numpy()
    known_by = devices["known_by"].to_numpy()[device]
    tells = rng.random(count) < 0.35
    tells |= ~pd.Series(device).duplicated().to_numpy()  # a known device says who it is at least once
    by_account, by_email = tells & (known_by == BY_ACCOUNT), tells & (known_by == BY_EMAIL)
    account = np.maximum(accounts.first_of[person], 0)
    kinds = np.where(by_email, "form_submit", events["event_type"])
    comes_from = rng.choice(
        np.array([None, "newsletter", "search", "social"], dtype=object), count, p=(0.6, 0.15, 0.15, 0.1)
    )
    cart = events["checkout"].to_numpy()
    exports.add(
        "shop",
        "site_events",
        pd.DataFrame(
            {
                "event_id": texts("e", np.arange(count), 8),
                "customer_id": big_ids(by_account, accounts.customer_id[account]),
                "anonymous_id": devices["anonymous_id"].to_numpy()[device],
                "email": where(by_email, people.email[person]),
                "event_type": kinds,
                "product_id": events["product_id"],
                "checkout_id": big_ids((cart > 0) & (rng.random(count) < 0.4), cart),
                "form_id": where(kinds == "form_submit", "newsletter-footer"),
                "url": np.where(kinds == "search", "https://shop.example/search", "https://shop.example/p"),
                "utm_source": comes_from,
                "utm_campaign": where(comes_from == "newsletter", "monthly"),
                "occurred_at": moments(only(np.ones(count, dtype=bool), events["at"].to_numpy())),
            }
        ),
    )
    seen = np.unique(device)
    _remember_devices(exports, people, accounts, devices.iloc[seen])


def _remember_devices(exports: Exports, people: People, accounts: Accounts, devices: pd.DataFrame) -> None:
    person, known_by = devices["person"].to_numpy(), devices["known_by"].to_numpy()
    account = np.maximum(accounts.first_of[person], 0)
    own = np.array([f"shop:{value}" for value in accounts.customer_id[account]], dtype=object)
    exports.remember(
        "shop",
        "anonymous",
        devices["anonymous_id"].to_numpy(),
        person,
        email=where(known_by == BY_EMAIL, people.email[person]),
        link=where(known_by == BY_ACCOUNT, own),
    )
