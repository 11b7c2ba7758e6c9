"""A small random world of things that begin triggers, full of the instants at which they count or cease to.

What lives here: making it, and writing it where dbt looks for what comes before triggers. What does not: reading it.
"""

from __future__ import annotations

import random
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb

HOURS = [0, 0, 1, 3, 4, 4, 5, 23, 24, 24, 25, 47, 48, 49, 120]
DAYS = [0, 1, 6, 7, 8, 13, 14, 15, 29, 30, 31, 59, 60, 61, 62, 89, 90, 91, 92, 200]
KINDS = [
    "form_submit", "product_view", "product_view", "page_view", "stock_alert_request", "checkout", "checkout", "order",
    "order", "mail", "mail", "talk",
]  # fmt: skip
TABLES = {
    "customer.customer_timeline": "customer_id varchar, occurred_at timestamp, event_type varchar, channel varchar, "
    "source_name varchar, source_id varchar",
    "customer.customer_orders": "customer_id varchar, source_name varchar, order_id varchar, ordered_at timestamp, "
    "ordered_on date, order_number integer, next_ordered_at timestamp, revenue_to_date_amount decimal(18,4)",
    "customer.customers": "customer_id varchar, email varchar",
    "customer.attributes": "customer_id varchar, birth_on date",
    "customer.customer_identifiers": "source_name varchar, record_type varchar, record_id varchar, customer_id varchar",
    "input.crm_contacts": "source_name varchar, contact_id varchar, birth_on date",
    "input.site_events": "source_name varchar, event_id varchar, event_type varchar, form_id varchar, "
    "product_id varchar, occurred_at timestamp",
    "input.shop_checkouts": "source_name varchar, checkout_id varchar, completed_at timestamp",
    "input.stock_changes": "source_name varchar, product_id varchar, in_stock boolean, changed_at timestamp",
    "input.conversations": "source_name varchar, conversation_id varchar, opened_at timestamp, "
    "first_reply_at timestamp, closed_at timestamp",
    "input.messages": "source_name varchar, message_id varchar, conversation_id varchar, direction varchar, "
    "channel varchar, sent_at timestamp",
    "input.message_events": "source_name varchar, message_id varchar, event_id varchar, event_type varchar, "
    "is_machine boolean, occurred_at timestamp",
}


@dataclass(frozen=True)
class Event:
    """Something a person did, or that was sent to them. `detail` is the form, product, or amount."""

    at: datetime
    kind: str
    name: str
    detail: str = ""
    until: datetime | None = None  # a checkout's completion
    is_machine: bool = False


@dataclass(frozen=True)
class Talk:
    """A conversation: (sent at, name, written by them) in order."""

    name: str
    opened_at: datetime
    lines: tuple[tuple[datetime, str, bool], ...]
    first_reply_at: datetime | None
    closed_at: datetime | None


@dataclass
class Person:
    customer_id: str
    has_email: bool
    birth_on: date | None
    events: list[Event] = field(default_factory=list)
    talks: list[Talk] = field(default_factory=list)


@dataclass
class World:
    """Times are aware and in UTC; everything lies before as_of. stock: product → (at, is there) in order."""

    zone: ZoneInfo
    as_of: datetime
    people: list[Person] = field(default_factory=list)
    stock: dict[str, list[tuple[datetime, bool]]] = field(default_factory=dict)

    def day(self, at: datetime) -> date:
        return at.astimezone(self.zone).date()

    def midnight(self, day: date) -> datetime:
        return datetime.combine(day, time(), self.zone).astimezone(UTC)


def make_world(seed: int, zone: str, as_of: datetime, people: int = 110) -> World:
    """The same seed makes the same world."""
    dice = random.Random(seed)
    world = World(ZoneInfo(zone), as_of)
    for product in ("p1", "p2"):
        at, is_there = as_of - timedelta(days=500), True
        while (at := at + timedelta(days=dice.choice([0, 1, 3, 20]), hours=dice.choice([1, 24]))) < as_of:
            is_there = not is_there
            world.stock.setdefault(product, []).append((at, is_there))
    for number in range(people):
        born = world.day(as_of) - timedelta(days=dice.choice([9000, 36 * 365 + 9, 3000 + dice.randrange(9000)]))
        person = Person(f"person_{number:03}", dice.random() < 0.8, dice.choice([born, date(1988, 2, 29), None]))
        _live(world, dice, person)
        world.people.append(person)
    return world


def _live(world: World, dice: random.Random, person: Person) -> None:
    """From one thing to the next, a few hours or many days later, often at midnight."""
    at = world.as_of - timedelta(days=dice.choice([1, 3, 10, 100, 450, 480]))
    for number in range(dice.choice([3, 10, 25, 50])):
        if at >= world.as_of:
            return
        _do(world, dice, person, at, f"{person.customer_id}_{number:02}")
        if dice.random() < 0.1:
            at = min((when for when, _ in world.stock["p1"] if when >= at), default=at)
        elif dice.random() < 0.6:
            at += timedelta(hours=dice.choice(HOURS), seconds=dice.choice([0, 0, 1]))
        else:
            day = world.day(at) + timedelta(days=dice.choice(DAYS))
            at = max(at, world.midnight(day) + timedelta(microseconds=dice.choice([-1, 0, 0, 7_200_000_000])))


def _do(world: World, dice: random.Random, person: Person, at: datetime, name: str) -> None:
    kind = dice.choice(KINDS)
    if kind == "talk":
        person.talks.append(_talk(world, dice, at, name))
    elif kind == "mail":
        person.events.append(Event(at, "message_outbound", name))
        seen = at + timedelta(hours=dice.choice(HOURS))
        if dice.random() < 0.7 and seen < world.as_of:
            person.events.append(Event(seen, "message_opened", f"{name}_o", name, is_machine=dice.random() < 0.3))
    elif kind == "checkout":
        done = at + timedelta(hours=dice.choice(HOURS))
        is_done = dice.random() < 0.4 and done < world.as_of
        person.events.append(Event(at, "checkout_started", name, until=done if is_done else None))
    else:
        detail = {"form_submit": dice.choice(["footer", "popup", ""]), "order": str(dice.choice([40, 120, 250]))}
        person.events.append(Event(at, kind, name, detail.get(kind, dice.choice(["p1", "p2"]))))


def _talk(world: World, dice: random.Random, at: datetime, name: str) -> Talk:
    lines, when = [], at
    for number in range(dice.choice([0, 1, 2, 5])):
        if when >= world.as_of:
            break
        lines.append((when, f"{name}_{number}", dice.random() < 0.5))
        when += timedelta(hours=dice.choice(HOURS[2:]))
    replied = at + timedelta(hours=3)
    closed = when if dice.random() < 0.3 and when < world.as_of else None
    is_answered = dice.random() < 0.5 and replied < world.as_of
    return Talk(name, at, tuple(lines), replied if is_answered else None, closed)


def write_world(world: World, path: Path, shuffle: int | None = None) -> None:
    """The tables that triggers are made of; in another order of rows where a seed for it is given."""
    rows: dict[str, list[tuple]] = defaultdict(list)
    for product, changes in world.stock.items():
        rows["input.stock_changes"] += [("shop", product, is_there, bare(at)) for at, is_there in changes]
    for person in world.people:
        _write_person(world, person, rows)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    with duckdb.connect(str(path)) as connection:
        connection.execute("create schema customer; create schema input")
        for table, columns in TABLES.items():
            connection.execute(f"create table {table} ({columns})")
            if shuffle is not None:
                random.Random(shuffle).shuffle(rows[table])
            marks = ", ".join("?" for _ in columns.split(", "))
            connection.executemany(f"insert into {table} values ({marks})", rows[table])


def _write_person(world: World, person: Person, rows: dict[str, list[tuple]]) -> None:
    who = person.customer_id
    rows["customer.customers"].append((who, f"{who}@example.com" if person.has_email else None))
    rows["customer.customer_identifiers"].append(("crm", "crm_contact", who, who))
    if person.birth_on:
        rows["customer.attributes"].append((who, person.birth_on))
        rows["input.crm_contacts"].append(("crm", who, person.birth_on))
    timeline = rows["customer.customer_timeline"]
    for event in person.events:
        channel = "email" if event.kind.startswith("message") else None
        timeline.append((who, bare(event.at), event.kind, channel, "shop", event.name))
        site = ("shop", event.name, event.kind)
        if event.kind == "checkout_started":
            rows["input.shop_checkouts"].append(("shop", event.name, event.until and bare(event.until)))
        elif event.kind == "message_outbound":
            rows["input.messages"].append(("shop", event.name, None, "outbound", "email", bare(event.at)))
        elif event.kind == "message_opened":
            opened = ("shop", event.detail, event.name, "opened", event.is_machine, bare(event.at))
            rows["input.message_events"].append(opened)
        elif event.kind == "form_submit":
            rows["input.site_events"].append((*site, event.detail or None, None, bare(event.at)))
        elif event.kind != "order":
            rows["input.site_events"].append((*site, None, event.detail, bare(event.at)))
    for talk in person.talks:
        timeline.append((who, bare(talk.opened_at), "conversation_opened", "whatsapp", "desk", talk.name))
        ends = (talk.first_reply_at and bare(talk.first_reply_at), talk.closed_at and bare(talk.closed_at))
        rows["input.conversations"].append(("desk", talk.name, bare(talk.opened_at), *ends))
        for at, name, is_theirs in talk.lines:
            direction = "inbound" if is_theirs else "outbound"
            timeline.append((who, bare(at), f"message_{direction}", "whatsapp", "desk", name))
            rows["input.messages"].append(("desk", name, talk.name, direction, "whatsapp", bare(at)))
    orders = sorted((event.at, event.name, int(event.detail)) for event in person.events if event.kind == "order")
    for index, (at, name, _amount) in enumerate(orders):
        after = orders[index + 1][0] if index + 1 < len(orders) else None
        spent = sum(amount for _at, _name, amount in orders[: index + 1])
        rows["customer.customer_orders"].append(
            (who, "shop", name, bare(at), world.day(at), index + 1, after and bare(after), spent)
        )


def bare(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(tzinfo=None)
