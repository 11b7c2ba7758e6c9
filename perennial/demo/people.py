"""The people of the demo world and what nobody can see of them: how often they buy, when they leave, what moves them.

What lives here: one array per attribute, index = person. What does not: any record of any system (shop.py, crm.py, …).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from perennial.demo.contacts import (
    COUNTRIES,
    COUNTRY_SHARES,
    DOMAIN_SHARES,
    DOMAINS,
    FIRST_NAMES,
    LAST_NAMES,
    reserved_phones,
)
from perennial.demo.records import where
from perennial.demo.scale import DAY, NEVER, Scale


@dataclass(frozen=True)
class People:
    """Times are seconds since 1970 UTC, NEVER where it does not come; phones are E.164 or None."""

    first_name: np.ndarray
    last_name: np.ndarray
    country: np.ndarray
    email: np.ndarray
    work_email: np.ndarray
    phone: np.ndarray
    shares_family_phone: np.ndarray
    joined_at: np.ndarray
    churned_at: np.ndarray
    is_buyer: np.ndarray
    orders_per_day: np.ndarray
    discount_affinity: np.ndarray
    engagement: np.ndarray
    win_back_effect: np.ndarray
    prefers_outlet: np.ndarray
    email_granted_at: np.ndarray
    email_withdrawn_at: np.ndarray
    sms_granted_at: np.ndarray
    has_privacy_proxy: np.ndarray

    @property
    def count(self) -> int:
        return len(self.country)


def make_people(scale: Scale) -> People:
    rng = scale.stream("people")
    n = scale.people
    first = rng.choice(np.array(FIRST_NAMES, dtype=object), n)
    last = rng.choice(np.array(LAST_NAMES, dtype=object), n)
    joined = scale.start + np.sort(rng.beta(1.0, 1.15, n) * (scale.end - scale.start)).astype(np.int64)
    churned = joined + (rng.exponential(1.0, n) * rng.gamma(4.0, 110.0, n) * DAY).astype(np.int64)
    affinity = rng.beta(2.0, 4.0, n)
    phone, shares_phone = _phones(n, scale)
    work = where(rng.random(n) < 0.13, _work_emails(first, last, n))
    granted, withdrawn, sms = _permissions(joined, scale)
    return People(
        first_name=first,
        last_name=last,
        country=rng.choice(np.array(list(COUNTRIES), dtype=object), n, p=COUNTRY_SHARES),
        email=_emails(first, last, rng),
        work_email=work,
        phone=phone,
        shares_family_phone=shares_phone,
        joined_at=joined,
        churned_at=churned,
        is_buyer=rng.random(n) < 0.72,
        orders_per_day=np.clip(rng.gamma(1.4, 1 / 110.0, n), 1 / 900.0, 1 / 6.0),
        discount_affinity=affinity,
        engagement=rng.beta(2.0, 3.0, n),
        win_back_effect=np.round(np.clip(0.02 + 0.35 * affinity * rng.beta(2.0, 3.0, n), 0.0, 0.5), 4),
        prefers_outlet=rng.random(n) < 0.2,
        email_granted_at=granted,
        email_withdrawn_at=withdrawn,
        sms_granted_at=sms,
        has_privacy_proxy=rng.random(n) < 0.3,
    )


def _emails(first: np.ndarray, last: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    domains = rng.choice(np.array(DOMAINS, dtype=object), len(first), p=DOMAIN_SHARES)
    return np.array(
        [f"{_plain(f)}.{_plain(s)}{i}@{d}" for i, (f, s, d) in enumerate(zip(first, last, domains, strict=True))],
        dtype=object,
    )


def _work_emails(first: np.ndarray, last: np.ndarray, n: int) -> np.ndarray:
    return np.array([f"{_plain(first[i])[0]}{_plain(last[i])}{i}@work.example" for i in range(n)], dtype=object)


def _plain(name: str) -> str:
    return name.lower().replace("'", "").replace("ë", "e")


def _phones(n: int, scale: Scale) -> tuple[np.ndarray, np.ndarray]:
    """Three in five have a phone of their own; some take the phone of the person before them (a family's)."""
    rng = scale.stream("phones")
    wanted = np.flatnonzero(rng.random(n) < 0.6)
    numbers = reserved_phones(len(wanted), rng)
    phone = np.full(n, None, dtype=object)
    owners = rng.permutation(wanted)[: len(numbers)]
    phone[owners] = numbers
    shares = np.zeros(n, dtype=bool)
    for i in np.flatnonzero(rng.random(n - 1) < 0.015) + 1:
        if phone[i - 1] is not None and not shares[i - 1]:
            phone[i] = phone[i - 1]
            shares[i - 1] = shares[i] = True
    return phone, shares


def _permissions(joined: np.ndarray, scale: Scale) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = scale.stream("permissions")
    n = len(joined)
    granted = np.where(rng.random(n) < 0.74, joined + rng.integers(0, 5 * DAY, n), NEVER)
    withdrawn = np.where(rng.random(n) < 0.16, granted + rng.integers(20 * DAY, 500 * DAY, n), NEVER)
    sms = np.where(rng.random(n) < 0.35, joined + rng.integers(0, 30 * DAY, n), NEVER)
    return (
        np.where(granted < scale.end, granted, NEVER),
        np.where((granted < scale.end) & (withdrawn < scale.end), withdrawn, NEVER),
        np.where(sms < scale.end, sms, NEVER),
    )
