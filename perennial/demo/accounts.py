"""Who has an account at which shop, and who has two: the shops' customer tables.

What lives here: accounts, their ids, their mistyped and placeholder contact data. What does not: orders (orders.py).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from perennial.demo.contacts import (
    COUNTRIES,
    PLACEHOLDER_EMAILS,
    PLACEHOLDER_PHONES,
    mistype_emails,
    with_placeholders,
    write_like_a_person,
)
from perennial.demo.people import People
from perennial.demo.records import Exports, known, moments, texts, where
from perennial.demo.scale import DAY, NEVER, Scale

CUSTOMER_ID_FROM = 9_200_000_000_000_001  # above 2^53, as some shops number them
PLACEHOLDER_SHARE = 0.03


@dataclass(frozen=True)
class Accounts:
    """Accounts of one shop. `first_of`, `second_of`: account index per person, -1 where there is none."""

    person: np.ndarray
    customer_id: np.ndarray
    email: np.ndarray  # clean, None where none or a placeholder
    phone: np.ndarray
    created_at: np.ndarray
    first_of: np.ndarray
    second_of: np.ndarray


def make_accounts(exports: Exports, people: People, shop: str, scale: Scale) -> Accounts:
    """Nine in ten buyers of the shop have an account, some a second one; a few who never bought have one too."""
    rng = scale.stream(f"accounts {shop}")
    n = people.count
    is_patron = people.is_buyer if shop == "shop" else people.is_buyer & people.prefers_outlet
    has_first = np.where(is_patron, rng.random(n) < 0.9, (rng.random(n) < 0.1) & (shop == "shop"))
    has_second = has_first & (rng.random(n) < (0.07 if shop == "shop" else 0.0))
    first, second = np.flatnonzero(has_first), np.flatnonzero(has_second)
    person = np.concatenate([first, second])
    is_second = np.arange(len(person)) >= len(first)
    until = np.minimum(people.churned_at, scale.end)
    created = np.where(is_second, (people.joined_at[person] + until[person]) // 2, people.joined_at[person])
    customer_id = CUSTOMER_ID_FROM + 137 * np.arange(len(person), dtype=np.int64)
    if shop != "shop":
        customer_id = texts("OUT-", 1 + np.arange(len(person)), 5)
    other = people.work_email[person]
    second_email = np.where(known(other), other, people.email[person])
    email, written_email = _emails(np.where(is_second, second_email, people.email[person]), rng)
    phone, written_phone = _phones(people, person, rng)
    first_of, second_of = np.full(n, -1), np.full(n, -1)
    first_of[first], second_of[second] = np.arange(len(first)), len(first) + np.arange(len(second))
    accounts = Accounts(person, customer_id, email, phone, created, first_of, second_of)
    exports.add(shop, "shop_customers", _rows(people, accounts, written_email, written_phone, scale, rng))
    link = np.array([f"{shop}:{value}" for value in customer_id], dtype=object)
    exports.remember(shop, "shop_customer", customer_id, person, email=email, phone=phone, link=link)
    return accounts


def _emails(clean: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    written, is_placeholder = with_placeholders(mistype_emails(clean, rng), PLACEHOLDER_SHARE, PLACEHOLDER_EMAILS, rng)
    return where(~is_placeholder, clean), written


def _phones(people: People, person: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    gave = rng.random(len(person)) < 0.7
    clean = where(gave, people.phone[person])
    typed = write_like_a_person(clean, people.country[person], rng)
    written, is_placeholder = with_placeholders(typed, PLACEHOLDER_SHARE, PLACEHOLDER_PHONES, rng)
    return where(~is_placeholder, clean), written


def _rows(
    people: People, accounts: Accounts, email: np.ndarray, phone: np.ndarray, scale: Scale, rng: np.random.Generator
) -> pd.DataFrame:
    person = accounts.person
    changed = np.minimum(accounts.created_at + rng.integers(0, 200 * DAY, len(person)), scale.end - 1)
    return pd.DataFrame(
        {
            "customer_id": accounts.customer_id,
            "email": email,
            "phone": phone,
            "first_name": people.first_name[person],
            "last_name": people.last_name[person],
            "country": np.array([COUNTRIES[code] for code in people.country[person]], dtype=object),
            "accepts_marketing": people.email_granted_at[person] < NEVER,
            "created_at": moments(accounts.created_at),
            "updated_at": moments(changed),
        }
    )
