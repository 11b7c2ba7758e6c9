"""A person's approval of one held plan: bound to its hash, void when the plan changes, good for one use.

What lives here: finding a plan by what a person types, recording and finding approvals. What does not: the commands.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

from sqlalchemy import Connection, RowMapping, func, select

from perennial.ledger.planning import of_channel
from perennial.ledger.records import Approval, Channel, LedgerError
from perennial.ledger.tables import approvals, plans

_HASH = re.compile(r"[0-9a-f]{8,64}")


def find(connection: Connection, name: str) -> RowMapping:
    """The newest plan with this id, or whose hash begins so."""
    wanted = name.strip().lower()
    condition = plans.c.plan_id == wanted
    if _HASH.fullmatch(wanted):
        condition |= plans.c.plan_hash.startswith(wanted, autoescape=True)
    found = connection.execute(select(plans).where(condition).order_by(plans.c.number.desc())).mappings().all()
    if not found:
        raise LedgerError(
            f"no plan is called {name[:80]!r}; give a plan id or 8 letters or more of its hash, see `plan list`"
        )
    if len({row["plan_hash"] for row in found}) > 1:
        raise LedgerError(f"{name[:80]!r} fits {len(found)} plans; give more letters of the hash")
    return found[0]


def approve(connection: Connection, name: str, approved_by: str, now: datetime) -> RowMapping:
    """Record the approval of a plan that is held and is the newest of its channel."""
    plan = find(connection, name)
    channel = Channel(plan["audience"], plan["destination"])
    newest: int = connection.execute(select(func.max(plans.c.number)).where(of_channel(plans, channel))).scalar_one()
    if plan["verdict"] != "held":
        raise LedgerError(f"plan {plan['plan_id']} is not held ({plan['verdict']}); there is nothing to approve")
    if newest != plan["number"]:
        raise LedgerError(
            f"plan {plan['plan_id']} is out of date: a newer one exists for {channel.audience}; see `plan list`"
        )
    if unused(connection, plan["plan_hash"]) is None:
        number = (connection.execute(select(func.max(approvals.c.number))).scalar() or 0) + 1
        values = {"number": number, "plan_hash": plan["plan_hash"], "approved_by": approved_by, "approved_at": now}
        connection.execute(approvals.insert().values(**values))
    return plan


def unused(connection: Connection, plan_hash: str) -> Approval | None:
    query = select(approvals).where((approvals.c.plan_hash == plan_hash) & approvals.c.used_at.is_(None))
    row = connection.execute(query.order_by(approvals.c.number).limit(1)).mappings().first()
    if row is None:
        return None
    return Approval(row["number"], row["plan_hash"], row["approved_by"], row["approved_at"].replace(tzinfo=UTC))
