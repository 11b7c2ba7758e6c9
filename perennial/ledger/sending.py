"""Writing attempts and answers: a batch is marked before it goes, and its answer changes memberships at once.

What lives here: the status of deliveries and what it means for what the channel holds. What does not: plans
(planning.py) and the sending itself.

A join that goes out makes an entry that is not certain, a leave makes the entry it names uncertain. The answer settles
it, in one transaction with the delivery.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, bindparam, case, delete, or_, select, update

from perennial.ledger.planning import chunks, of_channel
from perennial.ledger.records import Channel, Delivery, Settlement
from perennial.ledger.tables import deliveries, memberships, plan_rows, plans

_IS_KEY = deliveries.c.delivery_key == bindparam("the_key")
_REASON_LENGTH = 300


def begin_attempt(
    connection: Connection, channel: Channel, batch: Sequence[Delivery], batch_id: str, snapshot_id: str, at: datetime
) -> None:
    """Before the first byte: from here on the rows may be with the channel. A repeated batch keeps its first time."""
    was_out = deliveries.c.status == "attempted"
    values = {
        "is_ambiguous": or_(deliveries.c.is_ambiguous, was_out),
        "status": "attempted",
        "attempts": deliveries.c.attempts + 1,
        "batch_id": batch_id,
        "batch_at": case((was_out, deliveries.c.batch_at), else_=at),
        "last_snapshot_id": snapshot_id,
    }
    _each(connection, update(deliveries).where(_IS_KEY).values(**values), [{"the_key": row.key} for row in batch])
    _note_joins(connection, channel, [row for row in batch if row.action == "join"])
    leaves = [_entry(row) for row in batch if row.action == "leave"]
    _each(connection, update(memberships).where(_is_entry(channel)).values(is_certain=False), leaves)


def settle(connection: Connection, channel: Channel, settlements: Sequence[Settlement], now: datetime) -> None:
    """Record each row's answer, and with it what the channel holds."""
    by_word: dict[str, list[Settlement]] = {}
    for settlement in settlements:
        by_word.setdefault(settlement.word, []).append(settlement)
    _acknowledge(connection, channel, by_word.get("acknowledged", []), now)
    _reject(connection, channel, by_word.get("rejected", []))
    untouched = by_word.get("untouched", [])
    ambiguous = _ambiguous_keys(connection, [each.delivery.key for each in untouched])
    _put_back(connection, channel, [each for each in untouched if each.delivery.key not in ambiguous])
    unanswered = [each for each in untouched if each.delivery.key in ambiguous] + by_word.get("unanswered", [])
    values = {"is_ambiguous": True, "reason": bindparam("the_reason")}
    _each(connection, update(deliveries).where(_IS_KEY).values(**values), [_reasoned(each) for each in unanswered])


def withhold(connection: Connection, keys: Sequence[str], reason: str) -> None:
    """Permission is gone. A row that never went is closed; one that may have gone stays open, to be taken back."""
    values = {"status": "withheld", "reason": reason, "address": None, "fields": None}
    never_went = _IS_KEY & (deliveries.c.status == "pending")
    _each(connection, update(deliveries).where(never_went).values(**values), [{"the_key": key} for key in keys])


def close_plan(connection: Connection, plan_id: str, now: datetime) -> bool:
    """Mark a plan carried out, unless some of its rows still wait for an answer."""
    waiting = (
        select(plan_rows.c.delivery_key)
        .join(deliveries, deliveries.c.delivery_key == plan_rows.c.delivery_key)
        .where((plan_rows.c.plan_id == plan_id) & deliveries.c.status.in_(("pending", "attempted")))
        .limit(1)
    )
    if connection.execute(waiting).first() is not None:
        return False
    connection.execute(update(plans).where(plans.c.plan_id == plan_id).values(closed_at=now))
    return True


def _note_joins(connection: Connection, channel: Channel, joins: list[Delivery]) -> None:
    known: set[tuple[str, int]] = set()
    for some in chunks([row.customer_id for row in joins]):
        query = select(memberships.c.customer_id, memberships.c.spell)
        found = connection.execute(query.where(of_channel(memberships, channel) & memberships.c.customer_id.in_(some)))
        known.update((customer_id, spell) for customer_id, spell in found.tuples())
    new = [
        {"audience": channel.audience, "destination": channel.destination, "customer_id": row.customer_id}
        | {"spell": row.spell, "address": row.address, "sent_as": row.sent_as, "is_certain": False}
        | {"delivery_key": row.key}
        for row in joins
        if (row.customer_id, row.spell) not in known
    ]
    _each(connection, memberships.insert(), new)


def _acknowledge(connection: Connection, channel: Channel, settled: list[Settlement], now: datetime) -> None:
    forgotten: dict[str, Any] = {"address": None, "fields": None, "reason": None}
    values = {"status": "acknowledged", "acknowledged_at": now, "receipt": bindparam("the_reason")} | forgotten
    _each(connection, update(deliveries).where(_IS_KEY).values(**values), [_reasoned(each) for each in settled])
    joins = [_entry(each.delivery) for each in settled if each.delivery.action == "join"]
    leaves = [_entry(each.delivery) for each in settled if each.delivery.action == "leave"]
    is_older = _is_entry(channel) & (memberships.c.spell < bindparam("the_spell"))
    _each(connection, delete(memberships).where(is_older), joins)
    held = {"is_certain": True, "member_since": now}
    _each(connection, update(memberships).where(_is_row(channel)).values(**held), joins)
    _each(connection, delete(memberships).where(_is_entry(channel)), leaves)


def _reject(connection: Connection, channel: Channel, settled: list[Settlement]) -> None:
    values = {"status": "rejected", "reason": bindparam("the_reason"), "is_ambiguous": False}
    _each(connection, update(deliveries).where(_IS_KEY).values(**values), [_reasoned(each) for each in settled])
    _undo(connection, channel, settled)


def _put_back(connection: Connection, channel: Channel, settled: list[Settlement]) -> None:
    values: dict[str, Any] = {
        "status": "pending",
        "reason": bindparam("the_reason"),
        "batch_id": None,
        "batch_at": None,
    }
    _each(connection, update(deliveries).where(_IS_KEY).values(**values), [_reasoned(each) for each in settled])
    _undo(connection, channel, settled)


def _undo(connection: Connection, channel: Channel, settled: list[Settlement]) -> None:
    """The channel did not take these rows: what it held before is what it holds."""
    joins = [_entry(each.delivery) for each in settled if each.delivery.action == "join"]
    leaves = [_entry(each.delivery) for each in settled if each.delivery.action == "leave"]
    unconfirmed = _is_row(channel) & memberships.c.member_since.is_(None)
    _each(connection, delete(memberships).where(unconfirmed), joins)
    confirmed = _is_entry(channel) & memberships.c.member_since.is_not(None)
    _each(connection, update(memberships).where(confirmed).values(is_certain=True), leaves)


def _ambiguous_keys(connection: Connection, keys: list[str]) -> set[str]:
    found: set[str] = set()
    for some in chunks(keys):
        query = select(deliveries.c.delivery_key).where(deliveries.c.delivery_key.in_(some) & deliveries.c.is_ambiguous)
        found.update(connection.execute(query).scalars())
    return found


def _is_row(channel: Channel) -> ColumnElement[bool]:
    is_person = memberships.c.customer_id == bindparam("the_customer")
    return of_channel(memberships, channel) & is_person & (memberships.c.spell == bindparam("the_spell"))


def _is_entry(channel: Channel) -> ColumnElement[bool]:
    """What the channel cannot tell apart: this person's rows with the same id and address, up to this spell."""
    condition = of_channel(memberships, channel) & (memberships.c.customer_id == bindparam("the_customer"))
    condition &= memberships.c.sent_as == bindparam("the_sent_as")
    condition &= memberships.c.address == bindparam("the_address")
    return condition & (memberships.c.spell <= bindparam("the_spell"))


def _entry(row: Delivery) -> dict[str, Any]:
    return {
        "the_customer": row.customer_id,
        "the_spell": row.spell,
        "the_sent_as": row.sent_as,
        "the_address": row.address,
    }


def _reasoned(settlement: Settlement) -> dict[str, Any]:
    return {"the_key": settlement.delivery.key, "the_reason": settlement.detail[:_REASON_LENGTH] or None}


def _each(connection: Connection, statement: Any, rows: list[dict[str, Any]]) -> None:
    if rows:
        connection.execute(statement, rows)
