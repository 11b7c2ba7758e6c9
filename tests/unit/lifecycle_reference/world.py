"""A small random world of people and orders, full of the instants at which rules change, as schema customer holds it.

What lives here: making it, and writing it where dbt looks for schema customer. What does not: reading anything into it.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from functools import cached_property
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb
import pyarrow as pa

from tests.unit.lifecycle_reference import details

GAPS = [0, 0, 1, 5, 17, 29, 30, 31, 59, 60, 61, 89, 90, 90, 91, 91, 92, 120, 180, 240, 364, 366]
TABLES = {
    "people": "customer_id varchar, first_seen_at timestamp, reachable_from timestamp",
    "orders": "source_name varchar, order_id varchar, customer_id varchar, ordered_at timestamp, ordered_on date, "
    "business_revenue_amount decimal(18,4), business_gross_amount decimal(18,4)",
    "customer_orders": "source_name varchar, order_id varchar, customer_id varchar, ordered_at timestamp, "
    "ordered_on date, business_revenue_amount decimal(18,4), business_gross_amount decimal(18,4), "
    "order_number integer, days_since_previous_order integer, is_reactivation boolean, "
    "previous_ordered_at timestamp, next_ordered_at timestamp, revenue_to_date_amount decimal(18,4)",
    "refunds": "source_name varchar, refund_id varchar, customer_id varchar, refunded_at timestamp, "
    "refunded_on date, business_amount decimal(18,4)",
    "customer_identifiers": "source_name varchar, record_type varchar, record_id varchar, customer_id varchar",
    "advocacy_acts": "customer_id varchar, occurred_at timestamp, event_type varchar, source_name varchar, "
    "event_id varchar",
    "touch_points": "customer_id varchar, first_touch_campaign varchar",
    "customers": "customer_id varchar, first_seen_at timestamp, days_since_last_activity integer, "
    "days_since_last_order integer",
}
# beside orders: what customer_identifiers lead from
INPUT = {
    "conversations": "source_name varchar, conversation_id varchar, contact_ref_type varchar, contact_ref varchar, "
    "opened_at timestamp, first_reply_at timestamp, first_human_reply_at timestamp, closed_at timestamp, "
    "channel varchar, owner_id varchar, source_campaign varchar",
    "messages": "source_name varchar, message_id varchar, contact_ref_type varchar, contact_ref varchar, "
    "direction varchar, sent_at timestamp, conversation_id varchar",
    "advocacy_events": "source_name varchar, event_id varchar, contact_ref_type varchar, contact_ref varchar, "
    "event_type varchar, score integer, occurred_at timestamp",
    "crm_stage_changes": "source_name varchar, change_id varchar, contact_id varchar, to_stage varchar, "
    "changed_at timestamp, changed_by varchar, reason varchar",
    "appointments": "source_name varchar, appointment_id varchar, status varchar, booked_at timestamp, "
    "starts_at timestamp",
    "crm_deals": "source_name varchar, deal_id varchar, contact_id varchar, status varchar, "
    "created_at timestamp, closed_at timestamp, amount decimal(18,4), lost_reason varchar",
}
SOURCE_STAGES = ["Hot Lead", "Payment", "cold-lead", "Unqualified", "Lost to competitor", "Something else", None]


@dataclass(frozen=True)
class Order:
    """An order; a refund too, where it is one."""

    key: tuple[str, str]
    customer_id: str | None
    at: datetime
    revenue: int = 0
    gross: int = 0
    refunded: int = 0


@dataclass(frozen=True, order=True)
class Told:
    """Not an order: conversation, inbound_message, source_stage, deal_opened, deal_closed or advocacy."""

    at: datetime
    kind: str
    source_name: str
    event_id: str
    stage: str | None = field(default=None, compare=False)


@dataclass
class Person:
    customer_id: str
    first_seen_at: datetime
    reachable_from: datetime | None
    orders: list[Order] = field(default_factory=list)
    told: list[Told] = field(default_factory=list)


@dataclass
class World:
    """Times are aware and in UTC; every event lies before as_of."""

    zone: ZoneInfo
    as_of: datetime
    people: list[Person] = field(default_factory=list)
    anonymous: list[Order] = field(default_factory=list)
    refunds: list[Order] = field(default_factory=list)

    @cached_property
    def known_orders(self) -> list[Order]:
        return [order for person in self.people for order in person.orders]

    @cached_property
    def mean_order(self) -> int:
        """Of those whom somebody is known to have placed, in ten-thousandths, a half rounded up."""
        return mean(self.known_orders)

    def day(self, at: datetime):
        return at.astimezone(self.zone).date()

    def midnight(self, day) -> datetime:
        return datetime.combine(day, time(), self.zone).astimezone(UTC)


def mean(orders: list[Order]) -> int:
    """The mean order, in ten-thousandths as amounts are kept, a half rounded up."""
    return (2 * sum(order.revenue for order in orders) * 10000 + len(orders)) // (2 * len(orders))


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
    for person in world.people[::2]:
        person.told = sorted(_told(world, dice, person))
    return world


def _told(world: World, dice: random.Random, person: Person) -> list[Told]:
    """Talks, deals and praise, often at the instant of an order or of each other; silences about 30 days long."""
    told: list[Told] = []
    at = dice.choice([person.first_seen_at, *(order.at for order in person.orders)]) - timedelta(
        hours=dice.choice([0, 0, 5])
    )
    for number in range(dice.choice([1, 2, 5, 9])):
        if at >= world.as_of:
            break
        name = f"{person.customer_id}_{number}"
        kinds = dice.sample(
            ["conversation", "inbound_message", "source_stage", "deal_opened", "advocacy"], dice.choice([1, 1, 2, 5])
        )
        told += [
            Told(at, kind, "desk", name, dice.choice(SOURCE_STAGES) if kind == "source_stage" else None)
            for kind in kinds
        ]
        closed = at + timedelta(days=dice.choice([0, 3, 50]))
        if "deal_opened" in kinds and dice.random() < 0.6 and closed < world.as_of:
            told.append(Told(closed, "deal_closed", "desk", name))
        day = world.day(at) + timedelta(days=dice.choice([0, 0, 1, 29, 30, 31, 32, 60]))
        at = max(at, _time_of(world, dice, day))
    return told


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
    rows: dict[str, list[tuple]] = {name: [] for name in (*TABLES, *INPUT)}
    for person in world.people:
        reachable = person.reachable_from and _bare(person.reachable_from)
        rows["people"].append((person.customer_id, _bare(person.first_seen_at), reachable))
        rows["touch_points"].append((person.customer_id, f"campaign {len(person.orders) % 3}"))
        rows["customer_identifiers"] += [
            ("desk", kind, record, person.customer_id)
            for kind, record in (
                ("conversation_contact", f"contact_id:{person.customer_id}"),
                ("message_contact", f"contact_id:{person.customer_id}"),
                ("crm_contact", person.customer_id),
            )
        ]  # fmt: skip
        for told in person.told:
            _tell(rows, world, person, told)
        idle = details.idle_days(world, person)
        order_age = (world.day(world.as_of) - world.day(person.orders[-1].at)).days if person.orders else None
        rows["customers"].append((person.customer_id, _bare(person.first_seen_at), idle, order_age))
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
        for schema, tables in (("customer", TABLES), ("input", INPUT)):
            connection.execute(f"create schema {schema}")
            for name, types in tables.items():
                connection.execute(f"create table {schema}.{name} ({types})")
                if rows[name]:
                    columns = zip(*rows[name], strict=True)
                    given = pa.table({f"c{place}": pa.array(values) for place, values in enumerate(columns)})
                    connection.register("given", given)
                    connection.execute(f"insert into {schema}.{name} select * from given")
                    connection.unregister("given")


def reason_of(told: Told) -> str | None:
    """Why a source gave somebody a stage, where it says so."""
    return f"because of {told.event_id}" if told.event_id.endswith(("0", "2", "4")) else None


def _tell(rows: dict[str, list[tuple]], world: World, person: Person, told: Told) -> None:
    """The rows by which a source tells of it."""
    source, name, at, who = told.source_name, told.event_id, _bare(told.at), person.customer_id
    if told.kind == "conversation":
        replied, closed = details.first_reply_at(world, told), details.closed_at(world, told)
        human = replied if details.is_answered_by_a_human(told) else None
        times = (at, *(moment and _bare(moment) for moment in (replied, human, closed)))
        rows["conversations"].append((source, name, "contact_id", who, *times, *details.ways_of(told)))
    elif told.kind == "inbound_message":
        talk = details.conversation_of(person, told)
        rows["messages"].append((source, name, "contact_id", who, "inbound", at, talk))
        answered = details.answered_at(world, told)
        if answered is not None:
            answer = (source, f"{name}_answer", "contact_id", who, "outbound", _bare(answered), talk)
            rows["messages"].append(answer)
    elif told.kind == "source_stage":
        rows["crm_stage_changes"].append((source, name, who, told.stage, at, "human", reason_of(told)))
    elif told.kind == "deal_opened":
        closed = [other for other in person.told if other.kind == "deal_closed" and other.event_id == name]
        status, reason = details.outcome_of(told) if closed else ("open", None)
        ended = _bare(closed[0].at) if closed else None
        meeting = details.meeting_of(world, told)
        rows["appointments"].append((source, name, meeting.status, at, meeting.starts_at and _bare(meeting.starts_at)))
        rows["crm_deals"].append((source, name, who, status, at, ended, details.amount_of(told), reason))
    elif told.kind == "advocacy":
        rows["advocacy_acts"].append((who, at, "referral", source, name))
        score = details.score_of(told)
        rows["advocacy_events"].append((source, name, "contact_id", who, "nps", score, at))


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
        sum(order.revenue for order in orders[: index + 1]),
    )


def _bare(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(tzinfo=None)
