"""First replies, deals, bookings, and what became of conversations, read slowly from what happened.

What lives here: one figure after the other, each from the whole world. What does not: priorities and signs (turns.py).
"""

from __future__ import annotations

from collections import defaultdict
from datetime import date, datetime, timedelta
from fractions import Fraction
from typing import Any

from tests.unit.lifecycle_reference import details
from tests.unit.lifecycle_reference.reading import next_month, quantile_of_stays
from tests.unit.lifecycle_reference.reports import Stays, between, later
from tests.unit.lifecycle_reference.world import Told, World

Kpi = dict[tuple[str, str, date, str, str], float | None]
SHARES = {"median": Fraction(1, 2), "p90": Fraction(9, 10)}
WINDOW_DAYS = 30


def found_in(rows: list[dict[str, Any]]) -> Kpi:
    """What kpi_values has of them."""
    kpis = ("time_to_first_reply", "deals_closed", "deal_days", "bookings")
    key = ("kpi", "variant", "period_start_on", "dimension", "segment")
    return {tuple(row[part] for part in key): row["value"] for row in rows if row["kpi"] in kpis}


def kpis(world: World) -> Kpi:
    return first_replies(world) | deals_and_bookings(world)


def _talks(world: World) -> list[tuple[str, Told]]:
    return [(each.customer_id, told) for each in world.people for told in each.told if told.kind == "conversation"]


def _months(world: World, first: datetime) -> list[date]:
    month, found = world.day(first).replace(day=1), []
    while world.midnight(month) < world.as_of:
        found.append(month)
        month = next_month(month)
    return found


def first_replies(world: World) -> Kpi:
    talks = [told for _who, told in _talks(world)]
    found: Kpi = {}
    for month in _months(world, min(told.at for told in talks)):
        for dimension, segment in {pair for told in talks for pair in _segments(told)}:
            here = [told for told in talks if world.day(told.at).replace(day=1) == month]
            here = [told for told in here if (dimension, segment) in _segments(told)]
            for reply in ("human", "any"):
                for name, share in SHARES.items():
                    minutes = quantile_of_stays([_wait(world, told, reply) for told in here], share)
                    key = ("time_to_first_reply", f"{reply}_{name}", month, dimension, segment)
                    found[key] = None if minutes is None else float(minutes)
    return found


def _segments(told: Told) -> list[tuple[str, str]]:
    channel, owner, _campaign = details.ways_of(told)
    return [("all", "all"), ("channel", channel or "(unknown)"), ("owner_id", owner or "(nobody)")]


def _wait(world: World, told: Told, reply: str) -> tuple[Fraction, bool]:
    replied = details.first_reply_at(world, told)
    if reply == "human" and not details.is_answered_by_a_human(told):
        replied = None
    until = replied or details.closed_at(world, told) or world.as_of
    return Fraction((until - told.at) // timedelta(microseconds=1), 60_000_000), replied is not None


def deals_and_bookings(world: World) -> Kpi:
    opened = {each.event_id: each for person in world.people for each in person.told if each.kind == "deal_opened"}
    closed = [each for person in world.people for each in person.told if each.kind == "deal_closed"]
    events: dict[tuple[str, str], list[tuple[datetime, Fraction]]] = defaultdict(list)
    for deal in closed:
        took = Fraction((deal.at - opened[deal.event_id].at) // timedelta(microseconds=1), 86_400_000_000)
        events["deals_closed", details.outcome_of(opened[deal.event_id])[0]].append((deal.at, took))
    for deal in opened.values():
        meeting = details.meeting_of(world, deal)
        events["bookings", "made"].append((deal.at, Fraction()))
        if meeting.status == "kept":
            events["bookings", "kept"].append((meeting.starts_at or deal.at, Fraction()))
    found: Kpi = {}
    for kpi, variants in {"deals_closed": ("won", "lost"), "bookings": ("made", "kept")}.items():
        for month in _months(world, min(at for variant in variants for at, _ in events[kpi, variant])):
            for variant in variants:
                here = [took for at, took in events[kpi, variant] if world.day(at).replace(day=1) == month]
                found[kpi, variant, month, "all", "all"] = len(here)
    won = events["deals_closed", "won"]
    for month in _months(world, min(at for at, _ in won)):
        for name, share in SHARES.items():
            here = sorted(took for at, took in won if world.day(at).replace(day=1) == month)
            found["deal_days", name, month, "all", "all"] = between(here, share)
    return found


def progress(told: Stays) -> dict[tuple[date, str, str], tuple[int, int, int, int]]:
    """Per month, campaign and channel: conversations, with a later stage, followed for long enough, advanced."""
    world, model = told.world, "conversation_funnel"
    found: dict[tuple[date, str, str], list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    for customer_id, talk in _talks(world):
        channel, _owner, campaign = details.ways_of(talk)
        counted = found[told.month(talk.at), campaign or "(none)", channel or "(unknown)"]
        stays = told.by_model[model][customer_id]
        held = [stay for stay in stays if stay.since <= talk.at][-1:]
        goals = later(model, held[0].stage) if held else []
        opened_on = world.day(talk.at)
        is_over = (world.day(world.as_of) - opened_on).days > WINDOW_DAYS
        took = [(world.day(s.since) - opened_on).days for s in stays if s.since > talk.at and s.stage in goals]
        counted[0] += 1
        counted[1] += bool(goals)
        counted[2] += bool(goals) and is_over
        counted[3] += is_over and any(days <= WINDOW_DAYS for days in took)
    return {key: (a, b, c, d) for key, (a, b, c, d) in found.items()}
