"""Carrying out a plan: rows into batches, permission per batch, marked before they go, settled when answered.

What lives here: the loop and its counts. What does not: what is owed (the ledger), how a channel is spoken to
(perennial.destinations), what was planned.

Rows that are out without an answer go first, in the batches they went in. Leaves go before joins; where the channel
takes several batches, a person whose leave was not acknowledged is not joined yet.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby

from perennial.activation.permission import Permission, PermissionUnknown
from perennial.audiences.definition import AudienceDefinition
from perennial.config.failpoints import Failpoints
from perennial.destinations.base import Batch, BatchResult, Destination, DestinationError, Row, Terminal
from perennial.ledger.records import Channel, Delivery, Settlement
from perennial.ledger.store import Ledger

WITHHELD = "consent was withdrawn before the row was sent"
_WORDS = {"acknowledged": "acknowledged", "rejected": "rejected", "retryable": "untouched", "ambiguous": "unanswered"}


@dataclass
class Tally:
    """What became of the rows."""

    acknowledged: int = 0
    rejected: int = 0
    unanswered: int = 0
    withheld: int = 0
    stopped: DestinationError | None = None
    unreleased: set[str] = field(default_factory=set)  # people whose leave is not acknowledged


@dataclass(frozen=True)
class Sender:
    """Everything the loop needs, for one channel."""

    ledger: Ledger
    channel: Channel
    destination: Destination
    definition: AudienceDefinition
    permission: Permission
    snapshot_id: str
    clock: Callable[[], datetime]
    failpoint: Failpoints

    def send_all(self) -> Tally:
        """Send what is owed, until it is done or the destination stops."""
        tally = Tally()
        for rows in batches(self.ledger.owed(self.channel), self.destination.batch_size):
            try:
                permitted = self._permitted(rows, tally)
            except PermissionUnknown as error:
                tally.stopped = Terminal(str(error))
                break
            if permitted:
                self._send(permitted, tally)
            if tally.stopped is not None:
                break
        return tally

    def _permitted(self, rows: Sequence[Delivery], tally: Tally) -> list[Delivery]:
        """Leaves need no permission. A join waits while the same person's leave has no answer."""
        waits = tally.unreleased if self.destination.batch_size is not None else set()
        rows = [row for row in rows if row.action == "leave" or row.customer_id not in waits]
        joining = {row.customer_id for row in rows if row.action == "join"}
        if not joining:
            return rows
        refused = joining - self.permission.of(joining)
        withheld = [row.key for row in rows if row.action == "join" and row.customer_id in refused]
        if withheld:
            self.ledger.withhold(withheld, WITHHELD)
            tally.withheld += len(withheld)
        return [row for row in rows if row.action == "leave" or row.customer_id not in refused]

    def _send(self, rows: list[Delivery], tally: Tally) -> None:
        first = rows[0]
        at = first.batch_at or self.clock()
        self.ledger.begin_attempt(self.channel, rows, first.batch_id or _batch_id(rows), self.snapshot_id, at)
        self.failpoint("send")
        result = self.destination.send(self._batch(rows, first.plan_id, at))
        self.failpoint("after_200")
        self.ledger.settle(self.channel, _settlements(rows, result))
        self.failpoint("ack")
        _count(rows, result, tally)

    def _batch(self, rows: list[Delivery], plan_id: str, at: datetime) -> Batch:
        return Batch(
            audience=self.channel.audience,
            destination=self.channel.destination,
            plan_id=plan_id,
            at=at,
            address_column=self.definition.address,
            field_columns=self.definition.fields,
            rows=tuple(Row(row.key, row.action, row.sent_as, row.address, json.loads(row.fields)) for row in rows),
        )


def batches(owed: Sequence[Delivery], batch_size: int | None) -> Iterator[list[Delivery]]:
    """Unanswered batches as they went, then what has not gone yet; leaves before joins."""
    if batch_size is None:
        yield from _portions(owed, len(owed) or 1)
        return
    for action in ("leave", "join"):
        yield from _portions([row for row in owed if row.action == action], batch_size)


def _portions(rows: Sequence[Delivery], size: int) -> Iterator[list[Delivery]]:
    out = [row for row in rows if row.status == "attempted"]
    out.sort(key=lambda row: (row.batch_at is None, row.batch_at, row.batch_id or "", _order(row)))
    for _, group in groupby(out, key=lambda row: row.batch_id):
        yield list(group)
    waiting = sorted((row for row in rows if row.status != "attempted"), key=_order)
    for start in range(0, len(waiting), size):
        yield waiting[start : start + size]


def _order(row: Delivery) -> tuple[bool, str, int]:
    return row.action != "leave", row.customer_id, row.spell


def _batch_id(rows: Sequence[Delivery]) -> str:
    return hashlib.sha256("\n".join(row.key for row in rows).encode()).hexdigest()[:16]


def _settlements(rows: Sequence[Delivery], result: BatchResult) -> list[Settlement]:
    """A row the destination says nothing of is a row without an answer."""
    settled = []
    for row in rows:
        found = result.rows.get(row.key)
        word = "unanswered" if found is None else _WORDS[found.word]
        settled.append(Settlement(row, word, "" if found is None else found.detail))  # type: ignore[arg-type]
    return settled


def _count(rows: Sequence[Delivery], result: BatchResult, tally: Tally) -> None:
    for row in rows:
        found = result.rows.get(row.key)
        word = "ambiguous" if found is None else found.word
        tally.acknowledged += word == "acknowledged"
        tally.rejected += word == "rejected"
        tally.unanswered += word in ("ambiguous", "retryable")
        if row.action == "leave" and word != "acknowledged":
            tally.unreleased.add(row.customer_id)
    tally.stopped = result.stopped
