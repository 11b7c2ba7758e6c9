"""Writing attempts and answers: a batch is marked before it goes, and its answer changes memberships at once.

What lives here: the status of deliveries and what it means for what the channel holds. What does not: plans
(planning.py) and the sending itself.

A join that goes out makes an entry that is not certain, a leave makes the entry it names uncertain. The answer settles
it, in one transaction with the delivery. Rows are written many at a time: a first push is a million of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    and_,
    bindparam,
    case,
    delete,
    exists,
    false,
    null,
    or_,
    select,
    update,
)

from perennial.ledger.planning import chunks, of_channel
from perennial.ledger.records import Channel, Delivery, Settlement
from perennial.ledger.tables import deliveries, memberships, plan_rows, plans

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
    _update(connection, [row.key for row in batch], values)
    _note_joins(connection, [row.key for row in batch if row.action == "join"])
    _unsettle(connection, channel, [row for row in batch if row.action == "leave"])


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
    for keys, reason in _by_detail(unanswered):
        _update(connection, keys, {"is_ambiguous": True, "reason": reason})


def withhold(connection: Connection, keys: Sequence[str], reason: str) -> None:
    """Permission is gone. A row that never went is closed; one that may have gone stays open, to be taken back."""
    values = {"status": "withheld", "reason": reason, "address": None, "fields": None}
    _update(connection, keys, values, deliveries.c.status == "pending")


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


def _note_joins(connection: Connection, keys: list[str]) -> None:
    """An entry that is not certain, for every join that has none yet."""
    row, entry = deliveries.c, memberships.c
    columns = (row.audience, row.destination, row.customer_id, row.spell, row.address, row.sent_as, row.delivery_key)
    same = [entry[name] == row[name] for name in ("audience", "destination", "customer_id", "spell")]
    for some in chunks(keys):
        new = select(*columns, false(), null()).where(row.delivery_key.in_(some) & ~exists().where(and_(*same)))
        names = [column.name for column in columns]
        connection.execute(memberships.insert().from_select([*names, "is_certain", "member_since"], new))


def _unsettle(connection: Connection, channel: Channel, leaves: list[Delivery]) -> None:
    _each(connection, update(memberships).where(_is_entry(channel)).values(is_certain=False), leaves)


def _acknowledge(connection: Connection, channel: Channel, settled: list[Settlement], now: datetime) -> None:
    forgotten = {"address": None, "fields": None, "reason": None}
    for keys, receipt in _by_detail(settled):
        values = {"status": "acknowledged", "acknowledged_at": now, "receipt": receipt}
        _update(connection, keys, values | forgotten)
    joins = [each.delivery for each in settled if each.delivery.action == "join"]
    is_older = _is_entry(channel) & (memberships.c.spell < bindparam("the_spell"))
    _each(connection, delete(memberships).where(is_older), [row for row in joins if row.spell > 1])
    held = update(memberships).values(is_certain=True, member_since=now)
    for some in chunks([row.key for row in joins]):
        connection.execute(held.where(memberships.c.delivery_key.in_(some)))
    leaves = [each.delivery for each in settled if each.delivery.action == "leave"]
    _each(connection, delete(memberships).where(_is_entry(channel)), leaves)


def _reject(connection: Connection, channel: Channel, settled: list[Settlement]) -> None:
    for keys, reason in _by_detail(settled):
        _update(connection, keys, {"status": "rejected", "reason": reason, "is_ambiguous": False})
    _undo(connection, channel, settled)


def _put_back(connection: Connection, channel: Channel, settled: list[Settlement]) -> None:
    for keys, reason in _by_detail(settled):
        _update(connection, keys, {"status": "pending", "reason": reason, "batch_id": None, "batch_at": None})
    _undo(connection, channel, settled)


def _undo(connection: Connection, channel: Channel, settled: list[Settlement]) -> None:
    """The channel did not take these rows: what it held before is what it holds."""
    joins = [each.delivery.key for each in settled if each.delivery.action == "join"]
    for some in chunks(joins):
        is_new = memberships.c.delivery_key.in_(some) & memberships.c.member_since.is_(None)
        connection.execute(delete(memberships).where(is_new))
    leaves = [each.delivery for each in settled if each.delivery.action == "leave"]
    confirmed = _is_entry(channel) & memberships.c.member_since.is_not(None)
    _each(connection, update(memberships).where(confirmed).values(is_certain=True), leaves)


def _ambiguous_keys(connection: Connection, keys: list[str]) -> set[str]:
    found: set[str] = set()
    for some in chunks(keys):
        query = select(deliveries.c.delivery_key).where(deliveries.c.delivery_key.in_(some) & deliveries.c.is_ambiguous)
        found.update(connection.execute(query).scalars())
    return found


def _is_entry(channel: Channel) -> ColumnElement[bool]:
    """What the channel cannot tell apart: this person's rows with the same id and address, up to this spell."""
    condition = of_channel(memberships, channel) & (memberships.c.customer_id == bindparam("the_customer"))
    condition &= memberships.c.sent_as == bindparam("the_sent_as")
    condition &= memberships.c.address == bindparam("the_address")
    return condition & (memberships.c.spell <= bindparam("the_spell"))


def _each(connection: Connection, statement: Any, rows: list[Delivery]) -> None:
    """Apply a statement about an entry to each row's."""
    entries = [
        {
            "the_customer": row.customer_id,
            "the_spell": row.spell,
            "the_sent_as": row.sent_as,
            "the_address": row.address,
        }
        for row in rows
    ]
    if entries:
        connection.execute(statement, entries)


def _update(
    connection: Connection, keys: Sequence[str], values: dict[str, Any], condition: ColumnElement[bool] | None = None
) -> None:
    for some in chunks(list(keys)):
        chosen: ColumnElement[bool] = deliveries.c.delivery_key.in_(some)
        if condition is not None:
            chosen &= condition
        connection.execute(update(deliveries).where(chosen).values(**values))


def _by_detail(settled: list[Settlement]) -> Iterator[tuple[list[str], str | None]]:
    """Keys by the receipt or reason they share."""
    grouped: dict[str, list[str]] = {}
    for each in settled:
        grouped.setdefault(each.detail[:_REASON_LENGTH], []).append(each.delivery.key)
    for detail, keys in grouped.items():
        yield keys, detail or None
