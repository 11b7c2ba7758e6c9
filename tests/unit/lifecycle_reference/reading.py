"""The published definitions of stages and KPIs, read word by word and slowly: every person on every day.

What lives here: plain loops over people and dates. What does not: thresholds, intervals, or anything else that the
models use to be fast; nothing here is shared with them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction

from tests.unit.lifecycle_reference.world import Order, Person, World, mean

Stay = tuple[str, datetime, datetime | None, str]


@dataclass(frozen=True)
class Seen:
    """What is known of a person at an instant; days since are None where there was nothing."""

    orders: int
    order_age: int | None
    is_reachable: bool
    is_high_value: bool
    praises: int
    conversations: int
    written: int
    silence: int | None
    open_deals: int
    source_stage: str | None


def seen_at(world: World, person: Person, at: datetime) -> Seen:
    """Everything that had happened by then, counted anew."""
    orders = [order for order in person.orders if order.at <= at]
    told = [each for each in person.told if each.at <= at]
    written = [each for each in told if each.kind == "inbound_message"]
    stages = [each.stage for each in told if each.kind == "source_stage"]
    kinds = [each.kind for each in told]
    since = person.reachable_from
    return Seen(
        orders=len(orders),
        order_age=(world.day(at) - world.day(orders[-1].at)).days if orders else None,
        is_reachable=since is not None and since <= at and since < world.as_of,
        is_high_value=bool(orders) and mean(orders) >= world.mean_order,
        praises=kinds.count("advocacy"),
        conversations=kinds.count("conversation"),
        written=len(written),
        # what is dated before the person was first seen counts from then
        silence=(world.day(at) - world.day(max(written[-1].at, person.first_seen_at))).days if written else None,
        open_deals=kinds.count("deal_opened") - kinds.count("deal_closed"),
        source_stage=re.sub("[^a-z0-9]+", "_", stages[-1].lower()) if stages and stages[-1] else None,
    )


def five_stage(seen: Seen) -> str:
    if seen.order_age is None:
        return "acquisition" if seen.is_reachable else "awareness"
    if seen.order_age > 90:
        return "lapsed"
    if seen.orders >= 4:
        return "advocacy" if seen.praises else "loyalty"
    return "retention" if seen.orders >= 2 else "conversion"


def conversation_funnel(seen: Seen) -> str:
    if seen.orders:
        return "customer"
    if not seen.conversations:
        return "new_lead"
    named = {"hot_lead": "hot_lead", "payment": "payment", "cold_lead": "cold_lead", "unqualified": "unqualified"}
    said = (named | {"lost_to_competitor": "lost_to_competitor"}).get(seen.source_stage or "")
    if said in ("lost_to_competitor", "unqualified", "cold_lead"):
        return said
    if seen.silence is not None and seen.silence > 30:
        return "cold_lead"
    if said == "payment" or seen.open_deals > 0:
        return "payment"
    return "hot_lead" if said == "hot_lead" or seen.written >= 3 else "new_lead"


def rfm_map(seen: Seen) -> str:
    if seen.order_age is None:
        return "no_order"
    if seen.order_age > 180:
        return "about_to_lose"
    if seen.order_age > 90:
        return "at_risk"
    if seen.order_age >= 40:
        return "high_potential" if seen.orders >= 2 or seen.is_high_value else "needs_nurturing"
    if seen.orders < 2:
        return "recent"
    return "champions" if seen.is_high_value else "loyalists"


def retention_programme(seen: Seen) -> str:
    if seen.order_age is None:
        return "acquisition"
    if seen.order_age > 90:
        return "reactivation"
    if seen.orders >= 2:
        return "retention"
    return "post_purchase" if seen.order_age <= 30 else "engagement"


# What a preset looks at beside orders and addresses: nothing else can be the cause of a move in it.
TOLD = {
    "five_stage": {"advocacy"},
    "conversation_funnel": {"conversation", "inbound_message", "source_stage", "deal_opened", "deal_closed"},
    "rfm_map": set(),
    "retention_programme": set(),
}
PRESETS = {each.__name__: each for each in (five_stage, conversation_funnel, rfm_map, retention_programme)}


def history(world: World, person: Person, preset: str = "five_stage") -> list[Stay]:
    """Stage by stage: looked at on every event and on every midnight, as_of included."""
    stays: list[Stay] = []
    for at in _looks(world, person):
        seen = seen_at(world, person, at)
        stage = PRESETS[preset](seen)
        if not stays or stays[-1][0] != stage:
            if stays:
                stays[-1] = (*stays[-1][:2], at, stays[-1][3])
            stays.append((stage, at, None, _cause(person, at, seen, preset)))
    return stays


def _looks(world: World, person: Person) -> list[datetime]:
    first = person.first_seen_at
    events = [first, *(order.at for order in person.orders), *(each.at for each in person.told if each.at > first)]
    if person.reachable_from is not None and person.reachable_from < world.as_of:
        events.append(person.reachable_from)
    days = (world.day(world.as_of) - world.day(first)).days
    midnights = (world.midnight(world.day(first) + timedelta(days=n)) for n in range(days + 1))
    return sorted({*events, *(at for at in midnights if first <= at <= world.as_of)})


def _cause(person: Person, at: datetime, seen: Seen, preset: str) -> str:
    """What happened at that instant: an order before anything else; where nothing did, the days that passed."""
    placed = [order for order in person.orders if order.at == at]
    if placed:
        return f"order:{placed[-1].key[0]}:{placed[-1].key[1]}"
    at_once = [each for each in person.told if max(each.at, person.first_seen_at) == at]
    told = [each for each in at_once if each.kind in TOLD[preset]]
    if told:
        last = max(told)
        return f"{last.kind}:{last.source_name}:{last.event_id}"
    if person.reachable_from == at and person.first_seen_at != at and preset == "five_stage":
        return "reachable"
    if person.first_seen_at == at:
        return "first_seen"
    passed = {31: 30, 40: 39, 91: 90, 181: 180}
    if preset == "conversation_funnel":
        return f"time:days_since_last_inbound:{passed[seen.silence or 0]}"
    return f"time:days_since_last_order:{passed[seen.order_age or 0]}"


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
