"""What the small world's talks, deals and opinions look like in detail, made of an event's own name.

What lives here: answers, closings, amounts, reasons, scores. What does not: when things happen (world.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.unit.lifecycle_reference.world import Person, Told, World

DEAL_REASONS = ["too dear", "a Competitor was cheaper", None, "no budget; rivalry aside"]


def number_of(told: Told) -> int:
    """The numbers in an event's name together: 15 for person_0012_3."""
    return sum(int(part) for part in told.event_id.split("_") if part.isdigit())


def answered_at(world: World, told: Told) -> datetime | None:
    """When what they wrote was answered: at once, in the same instant, an hour later, or never."""
    wait = [timedelta(0), timedelta(hours=1), None][number_of(told) % 3]
    at = None if wait is None else told.at + wait
    return at if at is not None and at < world.as_of else None


def conversation_of(person: Person, message: Told) -> str | None:
    """The conversation that was opened last when it was written."""
    opened = [each.event_id for each in person.told if each.kind == "conversation" and each.at <= message.at]
    return opened[-1] if opened else None


def closed_at(world: World, talk: Told) -> datetime | None:
    at = talk.at + timedelta(days=5) if number_of(talk) % 2 else None
    return at if at is not None and at < world.as_of else None


def first_reply_at(world: World, talk: Told) -> datetime | None:
    at = talk.at + timedelta(minutes=7) if number_of(talk) % 4 == 0 else None
    return at if at is not None and at < world.as_of else None


def is_answered_by_a_human(talk: Told) -> bool:
    """Of a talk that was answered at all: by a human too, in the same instant."""
    return number_of(talk) % 8 == 0


def ways_of(talk: Told) -> tuple[str | None, str | None, str | None]:
    """Channel, owner and campaign of a talk."""
    n = number_of(talk)
    return ["email", "sms", None][n % 3], ["kim", None][n % 2], ["spring", "autumn", None][n // 2 % 3]


@dataclass(frozen=True)
class Meeting:
    status: str
    starts_at: datetime | None


def meeting_of(world: World, deal: Told) -> Meeting:
    """The appointment that is made with each deal: three weeks later, or at no known time."""
    starts_at = None if number_of(deal) % 7 == 0 else deal.at + timedelta(days=21)
    kept = ["kept", "missed", "kept"][number_of(deal) % 3]
    return Meeting("booked" if starts_at is not None and starts_at >= world.as_of else kept, starts_at)


def outcome_of(deal: Told) -> tuple[str, str | None]:
    """Of a deal that was closed: won or lost, and why."""
    return ("won", None) if number_of(deal) % 2 else ("lost", DEAL_REASONS[number_of(deal) // 2 % 4])


def amount_of(deal: Told) -> int | None:
    return None if number_of(deal) % 5 == 0 else 100 * number_of(deal)


def score_of(act: Told) -> int:
    return number_of(act) % 11


def idle_days(world: World, person: Person) -> int | None:
    """Business days since they did anything, as customers say; some never did."""
    times = [order.at for order in person.orders] + [each.at for each in person.told]
    return (world.day(world.as_of) - world.day(max(times))).days if times else None
