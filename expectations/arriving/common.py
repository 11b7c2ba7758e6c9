"""Promises that several arriving tables make in the same words.

What lives here: what a plausible time, amount, currency, e-mail and phone look like. What does not: which table makes
which. Landing has already refused what cannot be cast, a missing key, and words outside a closed list; a promise broken
here means that the values are well formed and yet unlikely to be what the source meant.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from expectations.promise import Promise, between, shaped

ABSURD_AMOUNT = 1_000_000
_EARLIEST = datetime(1995, 1, 1)  # no shop, CRM or inbox exports anything older
_SKEW = timedelta(days=1)  # clocks differ, and a naive time may be read in the wrong zone


def past_time(column: str, now: datetime) -> Promise:
    """Between the first web shop and tomorrow: a column in epoch seconds or in another zone falls out."""
    latest = now.astimezone(UTC).replace(tzinfo=None) + _SKEW
    return between(column, f"{column} is neither before 1995 nor in the future", _EARLIEST, latest)


def planned_time(column: str) -> Promise:
    return between(column, f"{column} lies between 1995 and 2100", _EARLIEST, datetime(2100, 1, 1))


def sane_amount(column: str) -> Promise:
    """Almost always below a million: cents delivered as units, or a phone number in the wrong column, fall out."""
    return between(column, f"{column} is not absurd", -ABSURD_AMOUNT, ABSURD_AMOUNT, mostly=0.999)


def natural_amount(column: str) -> Promise:
    return between(column, f"{column} is almost never negative and not absurd", 0, ABSURD_AMOUNT, mostly=0.99)


def iso_currency(column: str = "currency") -> Promise:
    return shaped(column, f"{column} looks like an ISO 4217 code", r"^[A-Za-z]{3}$")


def email_shape(column: str = "email") -> Promise:
    pattern = r"^\s*[^@\s]+@[^@\s]+\.[^@\s]+\s*$"
    return shaped(column, f"{column} mostly looks like an e-mail address", pattern, mostly=0.95)


def phone_shape(column: str = "phone") -> Promise:
    return shaped(column, f"{column} mostly looks like a phone number", r"^\s*(?:\D*\d){6,}", mostly=0.9)
