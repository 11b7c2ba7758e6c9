"""The published definitions of stages and KPIs, read word by word and slowly: every person on every day.

What lives here: plain loops over people and dates. What does not: thresholds, intervals, or anything else that the
models use to be fast; nothing here is shared with them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction

from tests.unit.lifecycle_reference.world import Order, Person, World

Stay = tuple[str, datetime, datetime | None, str]


def stage_at(world: World, person: Person, at: datetime) -> str:
    """The five stages, first match from the top."""
    days = [world.day(order.at) for order in person.orders if order.at <= at]
    if days and (world.day(at) - days[-1]).days > 90:
        return "lapsed"
    if days:
        return "loyalty" if len(days) >= 4 else "retention" if len(days) >= 2 else "conversion"
    since = person.reachable_from
    return "acquisition" if since is not None and since <= at and since < world.as_of else "awareness"


def history(world: World, person: Person) -> list[Stay]:
    """Stage by stage: looked at on every event and on every midnight, as_of included."""
    stays: list[Stay] = []
    for at in _looks(world, person):
        stage = stage_at(world, person, at)
        if not stays or stays[-1][0] != stage:
            if stays:
                stays[-1] = (*stays[-1][:2], at, stays[-1][3])
            stays.append((stage, at, None, _cause(person, at)))
    return stays


def _looks(world: World, person: Person) -> list[datetime]:
    events = [person.first_seen_at, *(order.at for order in person.orders)]
    if person.reachable_from is not None and person.reachable_from < world.as_of:
        events.append(person.reachable_from)
    days = (world.day(world.as_of) - world.day(person.first_seen_at)).days
    midnights = (world.midnight(world.day(person.first_seen_at) + timedelta(days=n)) for n in range(days + 1))
    return sorted({*events, *(at for at in midnights if person.first_seen_at <= at <= world.as_of)})


def _cause(person: Person, at: datetime) -> str:
    placed = [order for order in person.orders if order.at == at]
    if placed:
        return f"order:{placed[-1].key[0]}:{placed[-1].key[1]}"
    if person.reachable_from == at and person.first_seen_at != at:
        return "reachable"
    return "first_seen" if person.first_seen_at == at else "time:days_since_last_order:90"


def stage_before(histories: dict[str, list[Stay]], event: Order) -> str:
    """The stage that the event finds."""
    if event.customer_id is None:
        return "(unknown)"
    for stage, since, until, _cause_of in histories[event.customer_id]:
        if since < event.at and (until is None or event.at <= until):
            return stage
    return "(none)"


def stage_on(histories: dict[str, list[Stay]], customer_id: str, at: datetime) -> str:
    """The stage held at an instant."""
    for stage, since, until, _cause_of in histories[customer_id]:
        if since <= at and (until is None or at < until):
            return stage
    return "(none)"


def months(world: World) -> Iterator[date]:
    """First days of all months that began before as_of, from that of the first order."""
    every = [order for person in world.people for order in person.orders] + world.anonymous
    month = min(world.day(order.at) for order in every).replace(day=1)
    while world.midnight(month) < world.as_of:
        yield month
        month = next_month(month)


def next_month(month: date) -> date:
    return (month + timedelta(days=32)).replace(day=1)


def active_in(world: World, month: date) -> set[str]:
    """Known people with an order in a month."""
    return {
        person.customer_id
        for person in world.people
        if any(world.day(order.at).replace(day=1) == month for order in person.orders)
    }


def lapsed_before(world: World, month: date) -> set[str]:
    """People whose last order before the month lies more than 90 days before it."""
    found = set()
    for person in world.people:
        days = [world.day(order.at) for order in person.orders if world.day(order.at) < month]
        if days and (month - days[-1]).days > 90:
            found.add(person.customer_id)
    return found


def kept(world: World, end: datetime, days: int) -> tuple[int, int]:
    """Customers at both ends, and customers at the start, of the N days up to an end."""
    start = earlier(world, end, days)
    at_start = customers_at(world, start, days)
    return len(at_start & customers_at(world, end, days)), len(at_start)


def customers_at(world: World, at: datetime, days: int) -> set[str]:
    since = earlier(world, at, days)
    return {person.customer_id for person in world.people if any(since <= order.at < at for order in person.orders)}


def earlier(world: World, at: datetime, days: int) -> datetime:
    """The same time of the business clock some days earlier."""
    return (at.astimezone(world.zone) - timedelta(days=days)).astimezone(UTC)


def came_back_within(world: World, month: date, days: int) -> tuple[int, int]:
    """Second orders within N whole days, and first-time customers, of a month."""
    new = [p for p in world.people if p.orders and world.day(p.orders[0].at).replace(day=1) == month]
    back = [
        p for p in new if len(p.orders) > 1 and (world.day(p.orders[1].at) - world.day(p.orders[0].at)).days <= days
    ]
    return len(back), len(new)


def quantile_of_stays(stays: Iterable[tuple[Fraction, bool]], share: Fraction) -> Fraction | None:
    """Kaplan-Meier in exact fractions: the first length at which no more than 1 - share are left."""
    lengths = list(stays)
    left = Fraction(1)
    for length in sorted({length for length, ended in lengths if ended}):
        at_risk = sum(other >= length for other, _ended in lengths)
        left *= 1 - Fraction(sum(ended and other == length for other, ended in lengths), at_risk)
        if left <= 1 - share:
            return length
    return None
