"""The orders of both demo shops with their lines and refunds, and the guests among the buyers.

What lives here: which shop and which account a purchase falls to, its money, its status, its refunds. What does not:
when people buy (buying.py), carts (browsing.py).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from perennial.demo.accounts import Accounts
from perennial.demo.buying import Purchases
from perennial.demo.catalogue import Catalogue
from perennial.demo.contacts import PLACEHOLDER_EMAILS, mistype_emails, write_like_a_person
from perennial.demo.people import People
from perennial.demo.records import Exports, big_ids, known, local_moments, moments, money, only, texts, where
from perennial.demo.scale import DAY, NEVER, TIME_ZONE, Scale

ORDER_ID_FROM = 9_100_000_000_000_001
REFUND_ID_FROM = 9_400_000_000_000_001
BY_ACCOUNT, BY_EMAIL, BY_PHONE, ANONYMOUS = 0, 1, 2, 3
STATUSES = (
    "fulfilled",
    "paid",
    "partially_paid",
    "cancelled",
    "failed",
    "pending",
    "test",
    "refunded",
    "partially_refunded",
)
FULFILLED, PAID, PARTLY_PAID, CANCELLED, FAILED, PENDING, TEST, REFUNDED, PARTLY_REFUNDED = range(9)
STATUS_SHARES = (0.80, 0.11, 0.005, 0.04, 0.02, 0.015, 0.01)
OUTLET_WORDS = {"fulfilled": "complete", "cancelled": "void"}  # perennial.yml maps them back


@dataclass(frozen=True)
class Orders:
    """The orders of one shop in time order; money in minor units of `currency`."""

    order_id: np.ndarray
    person: np.ndarray
    account: np.ndarray  # index into Accounts, -1 for a guest
    identified_by: np.ndarray
    at: np.ndarray
    currency: np.ndarray
    status: np.ndarray
    cancelled_at: np.ndarray
    refunded_at: np.ndarray
    lines: pd.DataFrame  # order (index), line, product, quantity, price, discount
    subtotal: np.ndarray
    discount: np.ndarray

    @property
    def count(self) -> int:
        return len(self.at)

    @property
    def goods(self) -> np.ndarray:
        return self.subtotal - self.discount

    @property
    def tax(self) -> np.ndarray:
        return self.goods // 5

    @property
    def shipping(self) -> np.ndarray:
        return np.where(self.goods >= 5_000, 0, 395)


def split_by_shop(people: People, purchases: Purchases, scale: Scale) -> np.ndarray:
    """True where a purchase is made at the outlet. What a win-back message brings, it brings to the main shop."""
    rng = scale.stream("which shop")
    is_outlet = people.prefers_outlet[purchases.person] & (rng.random(len(purchases.at)) < 0.35)
    return is_outlet & ~purchases.by_win_back


def make_orders(
    people: People,
    accounts: Accounts,
    catalogue: Catalogue,
    person: np.ndarray,
    at: np.ndarray,
    shop: str,
    scale: Scale,
) -> Orders:
    rng = scale.stream(f"orders {shop}")
    count = len(at)
    account = _account_of(accounts, person, at, rng)
    lines = _lines(people, catalogue, person, shop, rng)
    status, cancelled_at, refunded_at = _fates(at, scale, rng)
    order_id = ORDER_ID_FROM + 137 * np.arange(count, dtype=np.int64)
    amounts = lines["quantity"] * lines["price"]
    return Orders(
        order_id=order_id if shop == "shop" else texts("", 700_001 + np.arange(count)),
        person=person,
        account=account,
        identified_by=_identified_by(people, person, account, rng),
        at=at,
        status=status,
        cancelled_at=cancelled_at,
        currency=_currencies(shop, count, rng),
        refunded_at=refunded_at,
        lines=lines,
        subtotal=np.bincount(lines["order"], amounts, count).astype(np.int64),
        discount=np.bincount(lines["order"], lines["discount"], count).astype(np.int64),
    )


def _account_of(accounts: Accounts, person: np.ndarray, at: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    account, second = accounts.first_of[person], accounts.second_of[person]
    uses_second = (second >= 0) & (rng.random(len(at)) < 0.6)
    uses_second &= accounts.created_at[np.maximum(second, 0)] <= at
    account = np.where(uses_second, second, account)
    return np.where(rng.random(len(at)) < 0.06, -1, account)


def _identified_by(people: People, person: np.ndarray, account: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    draw = rng.random(len(person))
    guest = np.select([draw < 0.08, draw < 0.3], [ANONYMOUS, BY_PHONE], BY_EMAIL)
    no_phone = ~known(people.phone[person])
    guest = np.where((guest == BY_PHONE) & no_phone, BY_EMAIL, guest)
    return np.where(account >= 0, BY_ACCOUNT, guest)


def _currencies(shop: str, count: int, rng: np.random.Generator) -> np.ndarray:
    if shop == "shop":
        return np.full(count, "GBP", dtype=object)
    return rng.choice(np.array(["GBP", "EUR", "USD"], dtype=object), count, p=(0.55, 0.4, 0.05))


def _fates(at: np.ndarray, scale: Scale, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Status, cancelled_at, refunded_at. What would happen after the end of the world has not happened."""
    count = len(at)
    status = rng.choice(len(STATUS_SHARES), count, p=STATUS_SHARES)
    cancelled = at + (rng.exponential(1.0, count) * DAY).astype(np.int64) + 60
    status = np.where((status == CANCELLED) & (cancelled >= scale.end), FULFILLED, status)
    refunded = at + 2 * DAY + (rng.exponential(11.0, count) * DAY).astype(np.int64)
    is_refunded = (status <= PARTLY_PAID) & (rng.random(count) < 0.085) & (refunded < scale.end)
    status = np.where(is_refunded, np.where(rng.random(count) < 0.45, REFUNDED, PARTLY_REFUNDED), status)
    return status, only(status == CANCELLED, cancelled), only(is_refunded, refunded)


def _lines(
    people: People, catalogue: Catalogue, person: np.ndarray, shop: str, rng: np.random.Generator
) -> pd.DataFrame:
    """One row per order line: now and then a free gift or a quantity of 0, some lines twice, a few orders without."""
    count = len(person)
    order = np.repeat(np.arange(count), np.where(rng.random(count) < 0.002, 0, 1 + rng.poisson(1.1, count)))
    product = catalogue.pick(len(order), rng)
    price = catalogue.price_pence[product] * (100 if shop == "shop" else 65) // 100
    price = np.where(rng.random(len(order)) < 0.01, 0, price)
    quantity = 1 + rng.poisson(0.35, len(order)) + (rng.random(len(order)) < 0.01) * rng.integers(5, 30, len(order))
    quantity = np.where(rng.random(len(order)) < 0.003, 0, quantity)
    on_offer = rng.random(len(order)) < people.discount_affinity[person[order]]
    discount = np.where(on_offer, quantity * price * rng.choice([5, 10, 20], len(order)) // 100, 0)
    lines = pd.DataFrame(
        {"order": order, "product": product, "quantity": quantity, "price": price, "discount": discount}
    )
    twice = lines[rng.random(len(order)) < 0.004]
    lines = pd.concat([lines, twice]).sort_values("order", kind="stable", ignore_index=True)
    lines["line"] = lines.groupby("order").cumcount() + 1
    return lines


def add_orders(exports: Exports, people: People, accounts: Accounts, orders: Orders, shop: str, scale: Scale) -> None:
    rng = scale.stream(f"order rows {shop}")
    email, phone = _contacts_given(people, accounts, orders, rng)
    _remember_guests(exports, orders, shop, email, phone)
    junk = (orders.identified_by == ANONYMOUS) & (rng.random(orders.count) < 0.5)
    written_email = mistype_emails(email, rng)
    written_email[junk] = rng.choice(np.array(PLACEHOLDER_EMAILS, dtype=object), int(junk.sum()))
    by_account = orders.account >= 0
    customer_id = accounts.customer_id[np.maximum(orders.account, 0)]
    status = np.array(STATUSES, dtype=object)[orders.status]
    status = np.where((rng.random(orders.count) < 0.002) & (orders.status == PAID), None, status)
    touched = np.minimum(orders.at + rng.integers(600, 2 * DAY, orders.count), scale.end - 1)
    for happened in (orders.cancelled_at, orders.refunded_at):
        touched = np.where(happened < NEVER, np.maximum(touched, happened), touched)
    goods = orders.goods
    rows = pd.DataFrame(
        {
            "order_id": orders.order_id,
            "customer_id": big_ids(by_account, customer_id) if shop == "shop" else where(by_account, customer_id),
            "email": written_email,
            "phone": write_like_a_person(phone, "GB", rng),
            "ordered_at": shop_times(orders.at, shop),
            "currency": orders.currency,
            "subtotal_amount": money(orders.subtotal),
            "discount_amount": money(orders.discount),
            "tax_amount": money(orders.tax),
            "shipping_amount": money(orders.shipping),
            "total_amount": money(goods + orders.tax + orders.shipping),
            "status": status,
            "cancelled_at": shop_times(orders.cancelled_at, shop),
            "updated_at": shop_times(touched, shop),
        }
    )
    if shop == "shop":
        rows = _with_earlier_versions(rows, rng)
    else:
        rows["status"] = rows["status"].replace(OUTLET_WORDS)
    exports.add(shop, "shop_orders", rows)


def shop_times(seconds: np.ndarray, shop: str) -> pd.Series:
    """The outlet's till writes local times, the shop UTC."""
    return moments(seconds) if shop == "shop" else local_moments(seconds, TIME_ZONE)


def _with_earlier_versions(rows: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """One in fifty orders comes twice: as it stood when it was placed, and as it stands now."""
    earlier = rows[rng.random(len(rows)) < 0.02].copy()
    earlier["status"], earlier["updated_at"] = "pending", earlier["ordered_at"]
    earlier["cancelled_at"] = pd.NaT
    return pd.concat([rows, earlier], ignore_index=True)


def _contacts_given(
    people: People, accounts: Accounts, orders: Orders, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """The clean e-mail and phone each order carries: the account's, or the guest's own."""
    own, other = people.email[orders.person], people.work_email[orders.person]
    guest_email = np.where((rng.random(orders.count) < 0.3) & known(other), other, own)
    shows = (orders.identified_by == BY_ACCOUNT) & (rng.random(orders.count) < 0.7)
    account_email = accounts.email[np.maximum(orders.account, 0)]
    email = np.where(shows, account_email, where(orders.identified_by == BY_EMAIL, guest_email))
    return email, where(orders.identified_by == BY_PHONE, people.phone[orders.person])


def _remember_guests(exports: Exports, orders: Orders, shop: str, email: np.ndarray, phone: np.ndarray) -> None:
    guest = orders.account < 0
    exports.remember(
        shop, "guest_order", orders.order_id[guest], orders.person[guest], email=email[guest], phone=phone[guest]
    )
