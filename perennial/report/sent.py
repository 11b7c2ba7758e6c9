"""What the channels were sent and what they hold, read from the ledger for the summary.

What lives here: the newest plan per audience and destination with its counts and a few ids. What does not: addresses,
which never leave the ledger this way, and any change to the ledger.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import func, select

from perennial.config.home import Home
from perennial.ledger.database import refuse_lost
from perennial.ledger.records import PlanRecord
from perennial.ledger.store import Ledger, open_ledger
from perennial.ledger.tables import deliveries, memberships

IDS_SHOWN = 5


@dataclass(frozen=True)
class Sent:
    """One audience at one destination: its newest plan, what became of it, how many the channel holds now."""

    audience: str
    destination: str
    plan_id: str
    snapshot_id: str
    verdict: str
    reason: str
    joins_count: int
    leaves_count: int
    by_status: dict[str, int]
    members_count: int
    first_ids: tuple[str, ...]


def last_sent(home: Home, ledger_url: str | None) -> list[Sent]:
    """Per audience and destination, in the order of their names; empty where nothing was ever planned."""
    if ledger_url is None and not home.ledger_file.exists():
        refuse_lost(home)
        return []
    with open_ledger(home, ledger_url) as ledger:
        newest: dict[tuple[str, str], PlanRecord] = {}
        for plan in ledger.plans(limit=1_000):  # newest first
            newest.setdefault((plan.audience, plan.destination), plan)
        return [_sent(ledger, newest[channel]) for channel in sorted(newest)]


def _sent(ledger: Ledger, plan: PlanRecord) -> Sent:
    status = select(deliveries.c.status, func.count()).where(deliveries.c.plan_id == plan.plan_id)
    held = select(func.count()).where(
        (memberships.c.audience == plan.audience)
        & (memberships.c.destination == plan.destination)
        & memberships.c.member_since.is_not(None)
    )
    with ledger.database.read() as connection:
        by_status = {row[0]: int(row[1]) for row in connection.execute(status.group_by(deliveries.c.status))}
        members_count = int(connection.execute(held).scalar_one())
    return Sent(
        audience=plan.audience,
        destination=plan.destination,
        plan_id=plan.plan_id,
        snapshot_id=plan.snapshot_id,
        verdict=plan.verdict,
        reason=plan.reason,
        joins_count=plan.joins_count,
        leaves_count=plan.leaves_count,
        by_status=by_status,
        members_count=members_count,
        first_ids=tuple(row.customer_id for row in ledger.plan_rows(plan.plan_id, limit=IDS_SHOWN)),
    )
