"""The reports on stages, read slowly: every person, stay by stay and day by day.

What lives here: what each report should say, as {key: figures}, from stays alone. What does not: how stays come about
(reading.py), and anything that the models use to be fast.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from typing import Any

from tests.unit.lifecycle_reference.reading import next_month, quantile_of_stays
from tests.unit.lifecycle_reference.world import World

Figures = dict[tuple[Any, ...], dict[str, Any]]
DAY = timedelta(days=1)
WINDOWS = (30, 60, 90, 365)
PATHS = {
    "five_stage": ["awareness", "acquisition", "conversion", "retention", "loyalty", "advocacy"],
    "conversation_funnel": ["new_lead", "hot_lead", "payment", "customer"],
    "rfm_map": ["no_order", "recent", "loyalists", "champions"],
    "retention_programme": ["acquisition", "post_purchase", "engagement", "retention"],
}
CYCLE_DAYS = 365
WON = {"five_stage": PATHS["five_stage"][2:], "conversation_funnel": ["customer"]}


@dataclass(frozen=True)
class Stay:
    """until is None where it is open at as_of."""

    stage: str
    since: datetime
    until: datetime | None


@dataclass(frozen=True)
class Stays:
    """Stays that began before as_of: by stage model, then by person, in order of time."""

    world: World
    by_model: dict[str, dict[str, list[Stay]]]

    def each(self) -> Iterator[tuple[str, str, list[Stay]]]:
        for model, people in self.by_model.items():
            for customer_id, stays in people.items():
                yield model, customer_id, stays

    def month(self, at: datetime) -> date:
        return self.world.day(at).replace(day=1)

    def months(self) -> list[date]:
        first = min(stays[0].since for _model, _who, stays in self.each())
        found, month = [], self.month(first)
        while self.world.midnight(month) < self.world.as_of:
            found.append(month)
            month = next_month(month)
        return found

    def is_over(self, month: date, days: int = 0) -> bool:
        """Whether so many days after the month lie before the day of as_of."""
        return self.world.day(self.world.as_of) > next_month(month) - DAY + timedelta(days=days)

    def length(self, stay: Stay) -> Fraction:
        seen = (stay.until or self.world.as_of) - stay.since
        return Fraction(seen // timedelta(microseconds=1), 86_400_000_000)

    def stages(self, model: str) -> set[str]:
        return {stay.stage for stays in self.by_model[model].values() for stay in stays}


def stage_days(told: Stays) -> Figures:
    """Everybody is looked at when each of their days ends."""
    found: Figures = defaultdict(lambda: {"entered": 0, "exited": 0, "first": 0, "there": 0})
    world = told.world
    for model, _customer_id, stays in told.each():
        for place, stay in enumerate(stays):
            entered = found[model, stay.stage, world.day(stay.since)]
            entered["entered"] += 1
            entered["first"] += place == 0
            if stay.until is not None:
                found[model, stay.stage, world.day(stay.until)]["exited"] += 1
            day = world.day(stay.since)
            while world.midnight(day) < world.as_of:
                if stay.until is not None and stay.until < world.midnight(day + DAY):
                    break
                found[model, stay.stage, day]["there"] += 1
                day += DAY
    return dict(found)


def stage_months(told: Stays) -> Figures:
    """Who is there just before a month begins and just before it ends."""
    found: Figures = {}
    world = told.world
    for model in told.by_model:
        for month in told.months():
            began, ended = world.midnight(month), min(world.midnight(next_month(month)), world.as_of)
            for stage in told.stages(model):
                stays = [
                    (p, s) for each in told.by_model[model].values() for p, s in enumerate(each) if s.stage == stage
                ]
                found[model, month, stage] = {
                    "at_start": sum(s.since < began and (s.until is None or s.until >= began) for _p, s in stays),
                    "entered": sum(began <= s.since < ended for _p, s in stays),
                    "exited": sum(s.until is not None and began <= s.until < ended for _p, s in stays),
                    "still_there": sum(s.since < ended and (s.until is None or s.until >= ended) for _p, s in stays),
                    "first": sum(began <= s.since < ended for p, s in stays if p == 0),
                    "is_closed": told.is_over(month),
                }
    return found


def stage_totals(told: Stays) -> Figures:
    now = told.world.day(told.world.as_of).replace(day=1)
    recent = sorted(month for month in told.months() if month < now)[-3:]
    lengths: dict[tuple[Any, ...], list[tuple[Fraction, bool]]] = defaultdict(list)
    for model, _customer_id, stays in told.each():
        for stage in {stay.stage for stay in stays}:
            held = [
                (told.length(stay), stay.until is not None, told.month(stay.since))
                for stay in stays
                if stay.stage == stage
            ]
            lengths[model, stage, "stays"] += [each[:2] for each in held]
            lengths[model, stage, "recent"] += [each[:2] for each in held if each[2] in recent]
            lengths[model, stage, "latest"].append(held[-1][:2])
            lengths[model, stage, "cumulative"].append((sum((each[0] for each in held), Fraction(0)), held[-1][1]))
    found: Figures = {}
    for key, each in lengths.items():
        begun = [(Fraction(math.ceil(length * 24), 24), ended) for length, ended in each]
        if begun:
            found[key] = {
                "entered": len(begun), "exited": sum(ended for _, ended in begun),
                "median": _days(begun, Fraction(1, 2)), "p90": _days(begun, Fraction(9, 10)),
            }  # fmt: skip
    return found


def _days(lengths: list[tuple[Fraction, bool]], share: Fraction) -> float | None:
    found = quantile_of_stays(lengths, share)
    return None if found is None else float(found)


def days_to_won(told: Stays) -> Figures:
    lengths: dict[tuple[Any, ...], list[tuple[Fraction, bool]]] = defaultdict(list)
    at_once: Counter[tuple[Any, ...]] = Counter()
    for model, _customer_id, stays in told.each():
        if model not in WON:
            continue
        key = (model, told.month(stays[0].since))
        won = [stay.since for stay in stays if stay.stage in WON[model]]
        at_once[key] += bool(won) and won[0] == stays[0].since
        if not won or won[0] > stays[0].since:
            length = told.length(Stay("", stays[0].since, won[0] if won else None))
            lengths[key].append((length, bool(won)))
    return {
        key: {
            "entered": len(lengths[key]), "won": sum(is_won for _, is_won in lengths[key]), "at_once": at_once[key],
            "median": _days(lengths[key], Fraction(1, 2)), "p90": _days(lengths[key], Fraction(9, 10)),
            "in_time": len(cycles(lengths[key])),
            "won_median": between(cycles(lengths[key]), Fraction(1, 2)),
            "won_p90": between(cycles(lengths[key]), Fraction(9, 10)),
        }
        for key in at_once
    }  # fmt: skip


def cycles(lengths: list[tuple[Fraction, bool]]) -> list[Fraction]:
    """How long those took who bought within the declared days, shortest first."""
    return sorted(length for length, is_won in lengths if is_won and length <= CYCLE_DAYS)


def between(values: list[Fraction], share: Fraction) -> float | None:
    """A quantile, between two neighbours where it falls between them."""
    if not values:
        return None
    place = share * (len(values) - 1)
    low, high = values[math.floor(place)], values[math.ceil(place)]
    return float(low + (high - low) * (place - math.floor(place)))


def later(model: str, stage: str) -> list[str]:
    path = PATHS[model]
    return path[path.index(stage) + 1 :] if stage in path else path


def stage_conversions(told: Stays) -> Figures:
    """The first entry of a month, and all that the same person did after it."""
    found: Figures = defaultdict(lambda: {"entered": 0, "closed": 0, "converted": 0})
    world = told.world
    for model, _customer_id, stays in told.each():
        counted = set()
        for place, stay in enumerate(stays):
            key = (told.month(stay.since), stay.stage)
            if key in counted:
                continue
            counted.add(key)
            entered_on = world.day(stay.since)
            for to_stage in [*later(model, stay.stage), "(any later)"] if later(model, stay.stage) else []:
                goals = later(model, stay.stage) if to_stage == "(any later)" else [to_stage]
                took = [(world.day(s.since) - entered_on).days for s in stays[place + 1 :] if s.stage in goals]
                for days in WINDOWS:
                    figures = found[model, *key, to_stage, days]
                    is_over = world.day(world.as_of) > entered_on + timedelta(days=days)
                    figures["entered"] += 1
                    figures["closed"] += is_over
                    figures["converted"] += is_over and any(each <= days for each in took)
    for (_model, month, _stage, _to, days), figures in found.items():
        figures["is_closed"] = told.is_over(month, days)
    return dict(found)


def conversion_rates(told: Stays) -> Figures:
    """stage_conversion_rate: whoever reached any later stage, by stage entered and of all stages together."""
    found: Figures = defaultdict(lambda: {"numerator": 0, "denominator": 0})
    for (model, month, stage, to_stage, days), figures in stage_conversions(told).items():
        for segment in (stage, "all") if to_stage == "(any later)" else ():
            found[f"{model}_within_{days}d", month, segment]["numerator"] += figures["converted"]
            found[f"{model}_within_{days}d", month, segment]["denominator"] += figures["closed"]
    return dict(found)


REPORTS: dict[str, tuple[Callable[[Stays], Figures], list[str], dict[str, str]]] = {
    "stage_days": (
        stage_days,
        ["stage_model", "stage", "on_date"],
        {"entered": "entered_count", "exited": "exited_count", "first": "first_stage_count",
         "there": "customers_count"},
    ),
    "stage_months": (
        stage_months,
        ["stage_model", "month", "stage"],
        {
            "at_start": "at_start_count", "entered": "entered_count", "exited": "exited_count",
            "still_there": "still_there_count", "first": "first_stage_count", "is_closed": "is_closed",
        },
    ),
    "stage_totals": (
        stage_totals,
        ["stage_model", "stage", "reading"],
        {"entered": "entered_count", "exited": "exited_count", "median": "median_days", "p90": "p90_days"},
    ),
    "days_to_won": (
        days_to_won,
        ["stage_model", "month"],
        {
            "entered": "entered_count", "won": "won_count", "at_once": "won_at_once_count",
            "median": "median_days", "p90": "p90_days", "in_time": "won_in_time_count",
            "won_median": "won_median_days", "won_p90": "won_p90_days",
        },
    ),
    "stage_conversions": (
        stage_conversions,
        ["stage_model", "month", "from_stage", "to_stage", "within_days"],
        {"entered": "entered_count", "closed": "closed_count", "converted": "converted_count",
         "is_closed": "is_closed"},
    ),
}  # fmt: skip


def stays_of(world: World, rows: list[dict[str, Any]]) -> Stays:
    """Stays as stage_history has them, without what begins or ends at as_of."""
    found: dict[str, dict[str, list[Stay]]] = defaultdict(lambda: defaultdict(list))
    for row in sorted(rows, key=lambda row: row["valid_from"]):
        since = row["valid_from"].replace(tzinfo=UTC)
        until = row["valid_to"] and row["valid_to"].replace(tzinfo=UTC)
        if since < world.as_of:
            stay = Stay(row["stage"], since, until if until is not None and until < world.as_of else None)
            found[row["stage_model"]][row["customer_id"]].append(stay)
    return Stays(world, found)


def differences(expected: Figures, rows: list[dict[str, Any]], keys: list[str], columns: dict[str, str]) -> list[Any]:
    """What a table and its slow reading do not agree on; a row in which nothing happened need not be expected."""
    found = {tuple(row[key] for key in keys): {name: row[column] for name, column in columns.items()} for row in rows}
    nothing = dict.fromkeys(columns, 0)
    return [
        (key, expected.get(key), found.get(key))
        for key in {*expected, *found}
        if not _same(expected.get(key, nothing), found.get(key, nothing))
    ]


def _same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Equal, days to a billionth; whether a month is over says nothing of a row that need not be there."""
    for name in one:
        a, b = one[name], other.get(name)
        if isinstance(a, float) and isinstance(b, float) and math.isclose(a, b, rel_tol=1e-9):
            continue
        if a != b and not (name == "is_closed" and not any(v for k, v in {**one, **other}.items() if k != name)):
            return False
    return True
