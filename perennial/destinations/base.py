"""What every destination has in common: rows in, one answer per row out.

What lives here: the protocol, the shapes, the error types, and making a channel's words fit for a log. What does not:
any channel. A destination knows nothing of plans, consent or the ledger.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol

_MAIL = re.compile(r"\S+@\S+")
_LONG_NUMBER = re.compile(r"\+?\d[\d\s().-]{5,}\d")


class DestinationError(Exception):
    """The destination stopped taking rows. `is_ambiguous`: what was under way may have reached it."""

    def __init__(self, message: str, *, is_ambiguous: bool = False) -> None:
        super().__init__(message)
        self.is_ambiguous = is_ambiguous


class Transient(DestinationError):
    """May pass by itself: the next night tries again."""


class Terminal(DestinationError):
    """Somebody has to mend something first."""


@dataclass(frozen=True, slots=True)
class Row:
    """One person joining or leaving. The key is the same for every attempt."""

    key: str
    action: Literal["join", "leave"]
    customer_id: str
    address: str
    fields: Mapping[str, str | None]


@dataclass(frozen=True)
class Batch:
    """Rows that go together, in this order. A batch that is repeated says the same `plan_id` and `at`."""

    audience: str
    destination: str
    plan_id: str
    at: datetime
    address_column: str
    field_columns: tuple[str, ...]
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class RowResult:
    """acknowledged (detail: the receipt), rejected (the channel said no to this row), retryable (surely not taken),
    ambiguous (perhaps taken; the key makes trying again safe)."""

    word: Literal["acknowledged", "rejected", "retryable", "ambiguous"]
    detail: str = ""


@dataclass(frozen=True)
class BatchResult:
    """An answer for every row of the batch; `stopped` says why no further batch should be sent now."""

    rows: Mapping[str, RowResult]
    stopped: DestinationError | None = None
    notes: tuple[str, ...] = field(default=())


class Destination(Protocol):
    """A channel. `batch_size` none means all rows of a plan in one call."""

    batch_size: int | None

    def send(self, batch: Batch) -> BatchResult:
        """Send the rows; never raises for what the channel does."""
        ...

    def close(self) -> None: ...


def safe_text(text: str, length: int = 200) -> str:
    """A channel's words without addresses and long numbers, on one line, cut short: fit for the ledger and logs."""
    plain = " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
    return _LONG_NUMBER.sub("<number>", _MAIL.sub("<address>", plain))[:length]


def stop(
    batch: Batch, answered: Mapping[str, RowResult], error: DestinationError, under_way: frozenset[str]
) -> BatchResult:
    """The result of a batch that broke off: rows under way are as ambiguous as the error, the rest were never sent."""
    word: Literal["ambiguous", "retryable"] = "ambiguous" if error.is_ambiguous else "retryable"
    results = dict(answered)
    for row in batch.rows:
        if row.key not in results:
            results[row.key] = RowResult(word if row.key in under_way else "retryable", str(error))
    return BatchResult(results, error)
