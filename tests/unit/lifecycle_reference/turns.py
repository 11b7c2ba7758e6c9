"""Open conversations and signs of risk, read slowly from what people wrote and did.

What lives here: whose turn it is in a conversation, and which signs are up for a person. What does not: stages.
"""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

from tests.unit.lifecycle_reference import details
from tests.unit.lifecycle_reference.world import Person, Told, World

CLASSES = {"payment": "quote_received", "hot_lead": "hot_lead", "customer": "customer", "new_lead": "new_lead"}
ORDER = ["quote_received", "hot_lead", "customer", "new_lead", "lost"]


@dataclass(frozen=True)
class Turn:
    conversation_id: str
    customer_id: str
    opened_at: datetime
    unanswered: int
    waiting_since: datetime | None
    is_quiet: bool
    priority: str

    @property
    def place(self) -> tuple[object, ...]:
        """Quiet ones last, then by class, then who waits, longest first."""
        waits = (0, self.waiting_since) if self.waiting_since else (1, self.opened_at)
        return (self.is_quiet, ORDER.index(self.priority), *waits, self.opened_at, self.conversation_id)


def listed(rows: list[dict[str, Any]]) -> list[Turn]:
    """The table of priorities in the order of its ranks, which count from 1."""
    ranked = sorted(rows, key=lambda row: row["priority_rank"])
    assert [row["priority_rank"] for row in ranked] == list(range(1, len(rows) + 1))
    return [
        Turn(
            row["conversation_id"], row["customer_id"], row["opened_at"].replace(tzinfo=UTC), row["unanswered_count"],
            row["waiting_since_at"] and row["waiting_since_at"].replace(tzinfo=UTC), row["is_quiet"], row["priority"],
        )
        for row in ranked
    ]  # fmt: skip


def turns(world: World, stages: list[dict[str, Any]]) -> list[Turn]:
    """Every open conversation, in the order in which to answer."""
    stage_of = {row["customer_id"]: row["stage"] for row in stages if row["stage_model"] == "conversation_funnel"}
    found = [
        _turn(world, person, talk, stage_of[person.customer_id])
        for person in world.people
        for talk in person.told
        if talk.kind == "conversation" and details.closed_at(world, talk) is None
    ]
    return sorted(found, key=lambda turn: turn.place)


def _turn(world: World, person: Person, talk: Told, stage: str) -> Turn:
    asked = [each for each in _messages(person) if details.conversation_of(person, each) == talk.event_id]
    answers = [at for each in asked if (at := details.answered_at(world, each)) is not None]
    open_questions = [each.at for each in asked if all(at <= each.at for at in answers)]
    replied = details.first_reply_at(world, talk)
    waiting = min(open_questions, default=None) if asked else (None if replied else talk.at)
    last_word = max(at for at in [talk.at, replied, *(each.at for each in asked), *answers] if at is not None)
    is_quiet = (world.day(world.as_of) - world.day(last_word)).days > 90
    closed = {each.event_id for each in person.told if each.kind == "deal_closed"}
    quotes = [
        each
        for each in person.told
        if each.kind == "deal_opened" and each.event_id not in closed and details.amount_of(each) is not None
    ]
    priority = "quote_received" if quotes else CLASSES.get(stage, "lost")
    who = person.customer_id
    return Turn(talk.event_id, who, talk.at, len(open_questions), waiting, is_quiet, priority)


def _messages(person: Person) -> list[Told]:
    return [each for each in person.told if each.kind == "inbound_message"]


def differing_signs(
    world: World, open_turns: list[Turn], losses: list[dict[str, Any]], rows: list[dict[str, Any]]
) -> tuple[list[Any], set[str]]:
    """People whose signs are others in the table than read here; and which flags are up for anybody."""
    marked = [(row["customer_id"], row["lost_at"].replace(tzinfo=UTC)) for row in losses if row["lost_by"] is not None]
    found, differing, up = {row["customer_id"]: row for row in rows}, [], set()
    for person in world.people:
        row = found.pop(person.customer_id)
        read = signs(world, person, open_turns, [at for who, at in marked if who == person.customer_id])
        up |= {name for name, value in read.items() if value is True}
        if {name: row[name] for name in read} != read:
            differing.append((row, read))
    return [*differing, *found.values()], up


def signs(world: World, person: Person, open_turns: list[Turn], lost_at: list[datetime]) -> dict[str, object]:
    """The five signs of one person. `lost_at`: when sources said that they are lost."""
    today = world.day(world.as_of)
    idle = details.idle_days(world, person)
    mine = [turn for turn in open_turns if turn.customer_id == person.customer_id and not turn.is_quiet]
    waiting = [turn for turn in mine if turn.waiting_since is not None]
    since = min((turn.waiting_since for turn in waiting if turn.waiting_since), default=None)
    gaps = [(world.day(b.at) - world.day(a.at)).days for a, b in pairwise(person.orders)]
    usual = statistics.median(gaps) if len(gaps) >= 2 else None
    age = (today - world.day(person.orders[-1].at)).days if person.orders else None
    opened = {each.event_id: each for each in person.told if each.kind == "deal_opened"}
    said_no = [each.at for each in person.told if each.kind == "deal_closed" and _is_lost(opened[each.event_id])]
    said_no += [each.at for each in person.told if each.kind == "advocacy" and details.score_of(each) <= 6]
    objected_on = {world.day(at) for at in said_no + lost_at if (today - world.day(at)).days <= 180}
    inactive = (today - world.day(person.first_seen_at)).days if idle is None else idle
    flags = {
        "is_inactive": inactive > 60,
        "has_unanswered_questions": since is not None and world.as_of - since > timedelta(hours=24),
        "is_past_own_gap": age is not None and usual is not None and age > max(2 * usual, 14),
        "has_repeated_objections": len(objected_on) >= 2,
        "has_unresolved_issues": any((today - world.day(turn.opened_at)).days > 7 for turn in mine),
    }
    return flags | {
        "inactive_days": inactive,
        "unanswered_questions_count": sum(max(turn.unanswered, 1) for turn in waiting),
        "usual_gap_days": usual,
        "objections_count": len(objected_on),
        "unresolved_conversations_count": sum((today - world.day(turn.opened_at)).days > 7 for turn in mine),
        "flags_count": sum(flags.values()),
    }


def _is_lost(deal: Told) -> bool:
    return details.outcome_of(deal)[0] == "lost"
