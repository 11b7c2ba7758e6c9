"""Scores and groups by recency, frequency and money, read slowly: by counting, one person beside all others.

What lives here: the methods but for split, which sorts and deals out. What does not: anything that the models use.
"""

from __future__ import annotations

from datetime import date
from itertools import pairwise
from math import ceil

from tests.unit.lifecycle_reference.world import Order, World

FIXED = ([20, 40, 90, 180], [2, 3, 5, 10], [50, 150, 300, 600])
Scores = dict[tuple[str, str], tuple[int, int, int, str, str | None]]


def limits(world: World) -> tuple[tuple[int, int, int], bool]:
    """Days within which half, eight and nine and a half of ten came back, before the quarter; else 40, 90 and 180."""
    today = world.day(world.as_of)
    quarter = date(today.year, (today.month - 1) // 3 * 3 + 1, 1)
    gaps, returned = [], set()
    for person in world.people:
        days = [world.day(order.at) for order in person.orders]
        for before, after in pairwise(days):
            if after < quarter:
                gaps.append((after - before).days)
                returned.add(person.customer_id)
    if len(returned) < 100:
        return (40, 90, 180), False
    gaps.sort()
    recent, nurture, risk = (gaps[ceil(len(gaps) * share / 100) - 1] for share in (50, 80, 95))
    recent, nurture = max(recent, 1), max(nurture, recent + 1, 2)
    return (recent, nurture, max(risk, nurture + 1)), True


def scores(world: World) -> Scores:
    """(customer, method) → r, f, m, group, what stands in."""
    people = [person for person in world.people if person.orders]
    today = world.day(world.as_of)
    facts = {
        person.customer_id: (
            (today - world.day(person.orders[-1].at)).days,
            len(person.orders),
            sum(order.revenue for order in person.orders),
        )
        for person in people
    }
    is_high = {person.customer_id: _mean(person.orders) >= _mean(world.known_orders) for person in people}
    (recent, nurture, risk), is_own = limits(world)
    few = None if len(people) >= 100 else "fixed"
    found: Scores = {}
    for who, (days, orders, money) in facts.items():
        others = list(facts.values())
        r = _fifth([each[0] >= days for each in others])
        f = _fifth([each[1] <= orders for each in others])
        m = _fifth([each[2] <= money for each in others])
        declared = group(days, orders, is_high[who], 40, 90, 180)
        found[who, "unsplit"] = (r, f, m, declared, few)
        points = (
            5 - sum(days > bound for bound in FIXED[0]),
            1 + sum(orders >= bound for bound in FIXED[1]),
            1 + sum(money >= bound for bound in FIXED[2]),
        )
        found[who, "fixed"] = (*points, declared, None)
        paced = 5 - (days >= recent) - (days > nurture) - (days > risk) - (days > 2 * risk)
        own = group(days, orders, is_high[who], recent, nurture, risk)
        found[who, "cadence"] = (paced, f, m, own, None if is_own else "declared_limits")
    return found


def _fifth(are_no_better: list[bool]) -> int:
    return ceil(5 * sum(are_no_better) / len(are_no_better))


def _mean(orders: list[Order]) -> int:
    return (2 * sum(order.revenue for order in orders) * 10000 + len(orders)) // (2 * len(orders))


def group(days: int, orders: int, is_high: bool, recent: int, nurture: int, risk: int) -> str:
    if days > nurture:
        return "about_to_lose" if days > risk else "at_risk"
    if days >= recent:
        return "high_potential" if orders > 1 or is_high else "needs_nurturing"
    if orders == 1:
        return "recent"
    return "champions" if is_high else "loyalists"
