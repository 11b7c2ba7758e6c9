"""What the ledger hands out and takes in, as plain frozen records.

What lives here: the shapes, and the words a delivery's status may have. What does not: SQL.

A delivery's status: pending (not with the channel), attempted (it may have reached the channel, no answer is known),
acknowledged, rejected (the channel said no; tried again another night), withheld (permission was gone before the first
attempt), superseded (no longer wished). Pending, attempted and rejected are *open*: a later plan takes them up or drops
them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Action = Literal["join", "leave"]
OPEN = ("pending", "attempted", "rejected")


class LedgerError(Exception):
    """The ledger cannot be used, or was asked for something it does not hold: says what and what to do."""


@dataclass(frozen=True, slots=True)
class Channel:
    """One audience at one destination: what memberships and plans belong to."""

    audience: str
    destination: str


@dataclass(frozen=True, slots=True)
class Delivery:
    """One row owed to a channel. Its key never changes; payload is forgotten once it is acknowledged."""

    key: str
    plan_id: str
    action: Action
    customer_id: str
    sent_as: str
    spell: int
    address: str
    fields: str  # a JSON object
    status: str
    attempts: int
    batch_id: str | None
    batch_at: datetime | None
    last_snapshot_id: str | None


@dataclass(frozen=True, slots=True)
class Membership:
    """One entry the channel holds, or (not `is_certain`) may hold."""

    customer_id: str
    spell: int
    address: str
    sent_as: str
    is_certain: bool


@dataclass(frozen=True)
class PlanRecord:
    """One plan as it was decided. `baseline_*` carry what was held before the first of a chain of interrupted plans."""

    plan_id: str
    audience: str
    destination: str
    snapshot_id: str
    plan_hash: str
    verdict: str
    reason: str
    joins_count: int
    leaves_count: int
    moves_count: int
    unchanged_count: int
    held_count: int
    audience_count: int
    withheld_count: int
    baseline_held: int
    baseline_leaves: int
    created_at: datetime
    closed_at: datetime | None = None

    @property
    def is_unfinished(self) -> bool:
        """Approved, but not yet carried out."""
        return self.verdict == "approved" and self.closed_at is None


@dataclass(frozen=True, slots=True)
class PlannedRow:
    """One row of a new plan. `reuse` is the key of an open delivery with the same wish; else `spell` may be known."""

    action: Action
    customer_id: str
    address: str
    fields: str  # a JSON object
    sent_as: str
    spell: int | None = None
    reuse: str | None = None


@dataclass(frozen=True, slots=True)
class MovedMembership:
    """An entry that goes on under another id."""

    customer_id: str
    spell: int
    to_customer_id: str


@dataclass(frozen=True)
class NewPlan:
    """Everything that is committed with a plan, in one transaction."""

    channel: Channel
    snapshot_id: str
    plan_hash: str
    verdict: str
    reason: str
    unchanged_count: int
    held_count: int
    audience_count: int
    withheld_count: int
    baseline_held: int
    baseline_leaves: int
    rows: tuple[PlannedRow, ...] = ()
    moves: tuple[MovedMembership, ...] = ()
    superseded: tuple[str, ...] = ()
    approval: int | None = None


@dataclass(frozen=True)
class State:
    """All that planning needs to know of one channel."""

    memberships: tuple[Membership, ...] = ()
    deliveries: tuple[Delivery, ...] = ()  # the open ones
    last_plan: PlanRecord | None = None  # the last that was not held
    baseline_leaves: int = 0  # leaves done by the unfinished plan and those it took over from


@dataclass(frozen=True, slots=True)
class Settlement:
    """What became of one attempted delivery. `untouched`: surely not with the channel. `unanswered`: it may be."""

    delivery: Delivery
    word: Literal["acknowledged", "rejected", "untouched", "unanswered"]
    detail: str = ""


@dataclass(frozen=True)
class Approval:
    """A person's word that one plan hash may run. Good for one use."""

    number: int
    plan_hash: str
    approved_by: str
    approved_at: datetime
    used_at: datetime | None = None


@dataclass(frozen=True)
class PlanRow:
    """One row of a recorded plan, with what became of it."""

    action: str
    customer_id: str
    status: str | None = None
    attempts: int = 0
    reason: str | None = None
