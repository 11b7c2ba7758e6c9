"""Losses, read slowly: who of those who entered left for a lost stage, of how many, and whether a competitor was named.

What lives here: what the tables of losses should say. What does not: stays (reading.py) and the reports on all stages.
"""

from __future__ import annotations

import re
from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any

from tests.unit.lifecycle_reference.details import outcome_of
from tests.unit.lifecycle_reference.reports import Figures, Stays, stage_months

LOST = {"cold_lead", "unqualified", "lost_to_competitor"}
Rows = list[dict[str, Any]]


def competitors(told: Stays, losses: Rows) -> tuple[list[Any], set[str | None]]:
    """Losses whose evidence is another one than read here, and the competitors that were named."""
    found, named = [], set()
    for row in losses:
        at = row["lost_at"].replace(tzinfo=UTC)
        expected = competitor_in(told, row["customer_id"], at, row["lost_reason"])
        named.add(expected[1])
        if (row["deal_lost_reason"], row["competitor"]) != expected:
            found.append((row, expected))
    return found, named


def of_how_many(told: Stays, lost_reasons: Rows) -> list[Any]:
    """Rows that are not a share of all stays in the stage before that overlap the month."""
    held = held_before(told)
    found = []
    for row in lost_reasons:
        stays = held.get((row["stage_model"], row["month"], row["stage_before"]))
        rate = None if stays is None else row["losses_count"] / stays
        if (row["held_before_count"], row["drop_off_rate"]) != (stays, rate):
            found.append((row, stays, rate))
    return found


def held_before(told: Stays) -> dict[tuple[str, date, str], int]:
    """Stays that overlap a month."""
    return {key: each["at_start"] + each["entered"] for key, each in stage_months(told).items()}


def drop_offs(told: Stays) -> Figures:
    """By month of entry: what came next after each stay."""
    found: Figures = defaultdict(lambda: {"numerator": 0, "denominator": 0, "is_closed": True})
    for _customer_id, stays in told.by_model["conversation_funnel"].items():
        for stay, following in [*pairwise(stays), (stays[-1], None)]:
            if stay.stage in LOST:
                continue
            month = told.month(stay.since)
            for key in ((month, stay.stage), (month, "all")):
                found[key]["numerator"] += following is not None and following.stage in LOST
                found[key]["denominator"] += 1
                found[key]["is_closed"] &= stay.until is not None and told.is_over(month)
    return dict(found)


def competitor_in(
    told: Stays, customer_id: str, lost_at: datetime, reason: str | None
) -> tuple[str | None, str | None]:
    """The reason of the last deal lost in the ninety days before, and whether either reason speaks of a competitor."""
    person = next(each for each in told.world.people if each.customer_id == customer_id)
    opened = {each.event_id: each for each in person.told if each.kind == "deal_opened"}
    lost = []
    for each in person.told:
        if each.kind == "deal_closed" and lost_at - timedelta(days=90) <= each.at <= lost_at:
            status, why = outcome_of(opened[each.event_id])
            if status == "lost" and why is not None:
                lost.append((each.at, why))
    newest = max((at for at, _why in lost), default=None)
    deal_reason = min((why for at, why in lost if at == newest), default=None)
    named = re.compile(r"\b(competitor|competitors|competition|rival)\b", re.IGNORECASE)
    texts = [text for text in (reason, deal_reason) if text]
    return deal_reason, "unnamed" if any(named.search(text) for text in texts) else None
