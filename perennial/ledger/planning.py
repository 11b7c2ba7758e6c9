"""Writing a plan: the plan, its rows, the deliveries it owes and the entries it moves, in one transaction.

What lives here: giving spell numbers and keys, and what becomes of open deliveries nobody wishes any more. What does
not: deciding what is planned (perennial.audiences) and attempts (sending.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, bindparam, func, or_, select, update

from perennial.ledger.keys import delivery_key
from perennial.ledger.records import OPEN, Channel, MovedMembership, NewPlan, PlannedRow
from perennial.ledger.tables import approvals, deliveries, memberships, plan_rows, plans

CHUNK = 500
PORTION = 10_000


def chunks(values: list[Any], size: int = CHUNK) -> Iterator[list[Any]]:
    for start in range(0, len(values), size):
        yield values[start : start + size]


def of_channel(table: Table, channel: Channel) -> ColumnElement[bool]:
    return (table.c.audience == channel.audience) & (table.c.destination == channel.destination)


def write_plan(connection: Connection, secret: bytes, plan: NewPlan, now: datetime) -> str:
    """Commit a plan with everything that belongs to it; returns its id."""
    number = (connection.execute(select(func.max(plans.c.number))).scalar() or 0) + 1
    plan_id = f"{number:06d}-{plan.plan_hash[:8]}"
    _close_earlier(connection, plan, now)
    connection.execute(plans.insert().values(_plan_values(plan, number, plan_id, now)))
    keys: list[str | None] = [None] * len(plan.rows)
    if plan.verdict != "held":
        spells = _Spells(connection, plan)
        _move(connection, plan, spells)
        _supersede(connection, plan.superseded)
        keys = [row.reuse or _key(secret, plan.channel, row, spells) for row in plan.rows]
        _write_deliveries(connection, plan, plan_id, keys, spells, now)
    _insert(
        connection,
        plan_rows,
        (
            {"plan_id": plan_id, "position": place, "action": row.action, "customer_id": row.customer_id}
            | {"delivery_key": key}
            for place, (row, key) in enumerate(zip(plan.rows, keys, strict=True), start=1)
        ),
    )
    if plan.approval is not None:
        connection.execute(update(approvals).where(approvals.c.number == plan.approval).values(used_at=now))
    return plan_id


def _plan_values(plan: NewPlan, number: int, plan_id: str, now: datetime) -> dict[str, Any]:
    joins = sum(row.action == "join" for row in plan.rows)
    return {
        "number": number,
        "plan_id": plan_id,
        "audience": plan.channel.audience,
        "destination": plan.channel.destination,
        "snapshot_id": plan.snapshot_id,
        "plan_hash": plan.plan_hash,
        "verdict": plan.verdict,
        "reason": plan.reason,
        "joins_count": joins,
        "leaves_count": len(plan.rows) - joins,
        "moves_count": len(plan.moves),
        "unchanged_count": plan.unchanged_count,
        "held_count": plan.held_count,
        "audience_count": plan.audience_count,
        "withheld_count": plan.withheld_count,
        "baseline_held": plan.baseline_held,
        "baseline_leaves": plan.baseline_leaves,
        "created_at": now,
        "closed_at": None if plan.verdict == "approved" else now,
    }


def _close_earlier(connection: Connection, plan: NewPlan, now: datetime) -> None:
    """A plan that runs takes over whatever an unfinished one left; a held one changes nothing."""
    if plan.verdict == "held":
        return
    unfinished = of_channel(plans, plan.channel) & plans.c.closed_at.is_(None)
    connection.execute(update(plans).where(unfinished).values(closed_at=now))


class _Spells:
    """The next spell number of each customer of a channel who needs one."""

    def __init__(self, connection: Connection, plan: NewPlan) -> None:
        wanted = {row.customer_id for row in plan.rows if row.reuse is None and row.spell is None}
        wanted |= {move.to_customer_id for move in plan.moves}
        self._last: dict[str, int] = {}
        for table in (deliveries, memberships):
            if connection.execute(select(table.c.customer_id).where(of_channel(table, plan.channel)).limit(1)).first():
                self._read(connection, table, plan.channel, sorted(wanted))

    def _read(self, connection: Connection, table: Table, channel: Channel, wanted: list[str]) -> None:
        for some in chunks(wanted):
            query = (
                select(table.c.customer_id, func.max(table.c.spell))
                .where(of_channel(table, channel) & table.c.customer_id.in_(some))
                .group_by(table.c.customer_id)
            )
            for customer_id, spell in connection.execute(query).tuples():
                self._last[customer_id] = max(spell, self._last.get(customer_id, 0))

    def next(self, customer_id: str) -> int:
        self._last[customer_id] = self._last.get(customer_id, 0) + 1
        return self._last[customer_id]

    def last(self, customer_id: str) -> int:
        return self._last[customer_id]


def _key(secret: bytes, channel: Channel, row: PlannedRow, spells: _Spells) -> str:
    spell = row.spell if row.spell is not None else spells.next(row.customer_id)
    return delivery_key(secret, channel, row.customer_id, row.action, spell)


def _write_deliveries(
    connection: Connection, plan: NewPlan, plan_id: str, keys: list[str | None], spells: _Spells, now: datetime
) -> None:
    """New rows are inserted, rows that were dropped once are reopened, rows taken over keep their key."""
    taken_over = [row.reuse for row in plan.rows if row.reuse is not None]
    _take_over(connection, plan_id, taken_over)
    fresh = {key: row for row, key in zip(plan.rows, keys, strict=True) if row.reuse is None and key is not None}
    known = _known_keys(connection, [key for key, row in fresh.items() if row.spell is not None])
    _insert(
        connection,
        deliveries,
        (_delivery_values(plan, plan_id, key, row, spells, now) for key, row in fresh.items() if key not in known),
    )
    reopened = [
        {"the_key": key, "address": fresh[key].address, "fields": fresh[key].fields, "plan_id": plan_id}
        for key in known
    ]
    if reopened:
        values = {"status": "pending", "is_ambiguous": deliveries.c.attempts > 0, "batch_id": None}
        connection.execute(update(deliveries).where(_is_key()).values(**values), reopened)


def _take_over(connection: Connection, plan_id: str, keys: list[str]) -> None:
    """A row that may be with the channel keeps its plan and batch, so that it is repeated exactly as it went."""
    values = {"plan_id": plan_id, "status": "pending", "batch_id": None}
    again = update(deliveries).where(_is_key() & (deliveries.c.status != "attempted")).values(**values)
    if keys:
        connection.execute(again, [{"the_key": key} for key in keys])


def _delivery_values(
    plan: NewPlan, plan_id: str, key: str, row: PlannedRow, spells: _Spells, now: datetime
) -> dict[str, Any]:
    return {
        "delivery_key": key,
        "plan_id": plan_id,
        "audience": plan.channel.audience,
        "destination": plan.channel.destination,
        "customer_id": row.customer_id,
        "action": row.action,
        "spell": row.spell if row.spell is not None else spells.last(row.customer_id),
        "sent_as": row.sent_as,
        "address": row.address,
        "fields": row.fields,
        "status": "pending",
        "is_ambiguous": False,
        "attempts": 0,
        "created_at": now,
    }


def _move(connection: Connection, plan: NewPlan, spells: _Spells) -> None:
    moves = [_move_values(move, spells) for move in plan.moves]
    if not moves:
        return
    entry = of_channel(memberships, plan.channel)
    entry &= memberships.c.customer_id == bindparam("from_id")
    entry &= memberships.c.spell == bindparam("from_spell")
    values: dict[str, Any] = {"customer_id": bindparam("to_id"), "spell": bindparam("to_spell")}
    connection.execute(update(memberships).where(entry).values(**values), moves)


def _move_values(move: MovedMembership, spells: _Spells) -> dict[str, Any]:
    to = {"to_id": move.to_customer_id, "to_spell": spells.next(move.to_customer_id)}
    return {"from_id": move.customer_id, "from_spell": move.spell} | to


def _supersede(connection: Connection, keys: Iterable[str]) -> None:
    values: dict[str, Any] = {"status": "superseded", "address": None, "fields": None}
    is_open = or_(*(deliveries.c.status == word for word in OPEN))  # IN cannot be used with many rows at once
    dropped = update(deliveries).where(_is_key() & is_open).values(**values)
    if found := [{"the_key": key} for key in keys]:
        connection.execute(dropped, found)


def _known_keys(connection: Connection, keys: list[str]) -> set[str]:
    known: set[str] = set()
    for some in chunks(keys):
        query = select(deliveries.c.delivery_key).where(deliveries.c.delivery_key.in_(some))
        known.update(connection.execute(query).scalars())
    return known


def _insert(connection: Connection, table: Table, rows: Iterator[dict[str, Any]]) -> None:
    """In bounded portions, so that a first push of a million people does not stand in memory once more."""
    portion: list[dict[str, Any]] = []
    for row in rows:
        portion.append(row)
        if len(portion) == PORTION:
            connection.execute(table.insert(), portion)
            portion = []
    if portion:
        connection.execute(table.insert(), portion)


def _is_key() -> ColumnElement[bool]:
    return deliveries.c.delivery_key == bindparam("the_key")
