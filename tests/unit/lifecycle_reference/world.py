"""A small random world of people and orders, full of the instants at which rules change, as schema customer holds it.

What lives here: making it, and writing it where dbt looks for schema customer. What does not: reading anything into it.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb

GAPS = [0, 0, 1, 5, 17, 29, 30, 31, 59, 60, 61, 89, 90, 90, 91, 91, 92, 120, 180, 240, 364, 366]
TABLES = {
    "people": "customer_id varchar, first_seen_at timestamp, reachable_from timestamp",
    "orders": "source_name varchar, order_id varchar, customer_id varchar, ordered_at timestamp, ordered_on date, "
    "business_revenue_amount decimal(18,4), business_gross_amount decimal(18,4)",
    "customer_orders": "source_name varchar, order_id varchar, customer_id varchar, ordered_at timestamp, "
    "ordered_on date, business_revenue_amount decimal(18,4), business_gross_amount decimal(18,4), "
    "order_number integer, days_since_previous_order integer, is_reactivation boolean, "
    "previous_ordered_at timestamp, next_ordered_at timestamp",
    "refunds": "source_name varchar, refund_id varchar, customer_id varchar, refunded_at timestamp, "
    "refunded_on date, business_amount decimal(18,4)",
}


@dataclass(frozen=True)
class Order:
    """An order; a refund too, where it is one."""

    key: tuple[str, str]
    customer_id: str | None
    at: datetime
    revenue: int = 0
    gross: int = 0
    refunded: int = 0


@dataclass
class Person:
    customer_id: str
    first_seen_at: datetime
    reachable_from: datetime | None
    orders: list[Order] = field(default_factory=list)


@dataclass
class World:
    """Times are aware and in UTC; every event lies before as_of."""

    zone: ZoneInfo
    as_of: datetime
    people: list[Person] = field(default_factory=list)
    anonymous: list[Order] = field(default_factory=list)
    refunds: list[Order] = field(default_factory=list)

    def day(self, at: datetime):
        return at.astimezone(self.zone).date()

    def midnight(self, day) -> datetime:
        return datetime.combine(day, time(), self.zone).astimezone(UTC)


def make_world(seed: int, zone: str, as_of: datetime, people: int = 160) -> World:
    """The same seed makes the same world."""
    dice = random.Random(seed)
    world = World(ZoneInfo(zone), as_of)
    for number in range(people):
        world.people.append(_person(world, dice, f"person_{number:04}"))
    world.people.append(_lapsing_at_as_of(world))
    for number in range(12):
        at = as_of - timedelta(seconds=dice.randrange(1, 300 * 86400))
        world.anonymous.append(Order(("shop", f"guest_{number}"), None, at, dice.randrange(100), dice.randrange(100)))
    world.refunds = _refunds(world, dice)
    return world


def _person(world: World, dice: random.Random, customer_id: str) -> Person:
    first_day = world.day(world.as_of) - timedelta(days=dice.randrange(1, 420))
    first = _time_of(world, dice, first_day)
    person = Person(customer_id, first, None)
    day = first_day + timedelta(days=dice.choice([0, 0, 0, *GAPS]))
    for number in range(dice.choice([0, 1, 1, 2, 3, 4, 5, 9])):
        same = bool(person.orders) and dice.random() < 0.15
        at = person.orders[-1].at if same else max(first, _time_of(world, dice, day))
        if at >= world.as_of:
            break
        key = (dice.choice(["shop", "till"]), f"{customer_id}_{number}")
        person.orders.append(Order(key, customer_id, at, dice.randrange(200), dice.randrange(300)))
        day = world.day(at) + timedelta(days=dice.choice(GAPS))
    person.orders.sort(key=lambda order: (order.at, order.key))
    person.reachable_from = _reachable(world, dice, person)
    return person


def _lapsing_at_as_of(world: World) -> Person:
    """Somebody whose ninety-first day is the day of as_of."""
    at = world.midnight(world.day(world.as_of) - timedelta(days=91)) + timedelta(hours=10)
    return Person("lapsing", at, None, [Order(("shop", "last"), "lapsing", at, 10, 12)])


def _time_of(world: World, dice: random.Random, day) -> datetime:
    """Often the first or the last instant of a business day."""
    midnight, next_midnight = world.midnight(day), world.midnight(day + timedelta(days=1))
    somewhere = midnight + (next_midnight - midnight) * dice.random()
    return min(dice.choice([midnight, next_midnight - timedelta(microseconds=1), somewhere, somewhere]), _last(world))


def _last(world: World) -> datetime:
    return world.as_of - timedelta(microseconds=1)


def _reachable(world: World, dice: random.Random, person: Person) -> datetime | None:
    choices: list[datetime | None] = [None, person.first_seen_at, person.first_seen_at + timedelta(days=20, hours=3)]
    for order in person.orders:
        choices += [order.at, world.midnight(world.day(order.at) + timedelta(days=91)), order.at + timedelta(days=40)]
    return dice.choice(choices)


def _refunds(world: World, dice: random.Random) -> list[Order]:
    orders = [order for person in world.people for order in person.orders] + world.anonymous
    chosen = [order for order in orders if dice.random() < 0.1]
    return [
        Order(("shop", f"refund_{number}"), order.customer_id, at, refunded=dice.randrange(1, 50))
        for number, order in enumerate(chosen)
        if (at := order.at + timedelta(days=dice.randrange(0, 60))) < world.as_of
    ]


def write_world(world: World, path: Path) -> None:
    """Schema customer, as the models before lifecycle leave it."""
    rows: dict[str, list[tuple]] = {name: [] for name in TABLES}
    for person in world.people:
        reachable = person.reachable_from and _bare(person.reachable_from)
        rows["people"].append((person.customer_id, _bare(person.first_seen_at), reachable))
        for index, order in enumerate(person.orders):
            rows["orders"].append(_order_row(world, order))
            rows["customer_orders"].append(_order_row(world, order) + _place_row(world, person.orders, index))
    rows["orders"] += [_order_row(world, order) for order in world.anonymous]
    for refund in world.refunds:
        placed = (*refund.key, refund.customer_id, _bare(refund.at), world.day(refund.at), refund.refunded)
        rows["refunds"].append(placed)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    with duckdb.connect(str(path)) as connection:
        connection.execute("create schema customer")
        for name, columns in TABLES.items():
            connection.execute(f"create table customer.{name} ({columns})")
            marks = ", ".join("?" for _ in columns.split(", "))
            connection.executemany(f"insert into customer.{name} values ({marks})", rows[name])


def _order_row(world: World, order: Order) -> tuple:
    day = world.day(order.at)
    return (*order.key, order.customer_id, _bare(order.at), day, order.revenue, order.gross)


def _place_row(world: World, orders: list[Order], index: int) -> tuple:
    before = orders[index - 1] if index else None
    after = orders[index + 1] if index + 1 < len(orders) else None
    gap = (world.day(orders[index].at) - world.day(before.at)).days if before else None
    return (
        index + 1,
        gap,
        gap is not None and gap > 90,
        before and _bare(before.at),
        after and _bare(after.at),
    )


def _bare(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(tzinfo=None)
