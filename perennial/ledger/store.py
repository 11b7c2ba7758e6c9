"""The ledger: what was planned, what is owed to which channel, what each channel holds.

What lives here: one small class over the modules beside it, and reading. What does not: deciding and sending.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime

from sqlalchemy import Connection, RowMapping, func, select

from perennial.config.home import Home
from perennial.ledger import approving, planning, sending
from perennial.ledger.database import Database, open_database
from perennial.ledger.planning import of_channel
from perennial.ledger.records import (
    OPEN,
    Approval,
    Channel,
    Delivery,
    LedgerError,
    Membership,
    NewPlan,
    PlanRecord,
    PlanRow,
    Settlement,
    State,
)
from perennial.ledger.tables import deliveries, memberships, plan_rows, plans

Clock = Callable[[], datetime]


class Ledger:
    """An open ledger. Every write is one transaction, committed when the method returns."""

    def __init__(self, database: Database, secret: bytes, clock: Clock) -> None:
        self.database = database
        self._secret = secret
        self._clock = clock

    def _now(self) -> datetime:
        return _plain(self._clock())

    def state(self, channel: Channel) -> State:
        """What planning needs to know of a channel."""
        with self.database.read() as connection:
            last = _last_plan(connection, channel)
            return State(
                memberships=tuple(_memberships(connection, channel)),
                deliveries=tuple(_open_deliveries(connection, channel)),
                last_plan=last,
                baseline_leaves=_leaves_done(connection, last) if last is not None and last.is_unfinished else 0,
            )

    def commit_plan(self, plan: NewPlan) -> str:
        """Record a plan with the rows it owes; the id it got. Keys are fixed here, before any attempt."""
        with self.database.write() as connection:
            return planning.write_plan(connection, self._secret, plan, self._now())

    def held_plan(self, channel: Channel, plan_hash: str) -> PlanRecord | None:
        """The newest plan of a channel, if it is held and is this very plan."""
        with self.database.read() as connection:
            query = select(plans).where(of_channel(plans, channel)).order_by(plans.c.number.desc()).limit(1)
            row = connection.execute(query).mappings().first()
        if row is None or row["verdict"] != "held" or row["plan_hash"] != plan_hash:
            return None
        return _plan_record(row)

    def owed(self, channel: Channel) -> list[Delivery]:
        """The rows of a channel that are to be sent now: pending, or out without an answer."""
        with self.database.read() as connection:
            return [row for row in _open_deliveries(connection, channel) if row.status != "rejected"]

    def begin_attempt(
        self, channel: Channel, batch: Sequence[Delivery], batch_id: str, snapshot_id: str, at: datetime
    ) -> None:
        with self.database.write() as connection:
            sending.begin_attempt(connection, channel, batch, batch_id, snapshot_id, _plain(at))

    def settle(self, channel: Channel, settlements: Sequence[Settlement]) -> None:
        with self.database.write() as connection:
            sending.settle(connection, channel, settlements, self._now())

    def withhold(self, keys: Sequence[str], reason: str) -> None:
        with self.database.write() as connection:
            sending.withhold(connection, keys, reason)

    def close_plan(self, plan_id: str) -> bool:
        with self.database.write() as connection:
            return sending.close_plan(connection, plan_id, self._now())

    def approve(self, name: str, approved_by: str) -> PlanRecord:
        """Let the held plan with this hash (or its beginning, or plan id) run, once."""
        with self.database.write() as connection:
            return _plan_record(approving.approve(connection, name, approved_by, self._now()))

    def approval(self, plan_hash: str) -> Approval | None:
        """An approval of this hash that was not used yet."""
        with self.database.read() as connection:
            return approving.unused(connection, plan_hash)

    def plans(self, limit: int = 50) -> list[PlanRecord]:
        """The newest plans, newest first."""
        with self.database.read() as connection:
            rows = connection.execute(select(plans).order_by(plans.c.number.desc()).limit(limit)).mappings()
            return [_plan_record(row) for row in rows]

    def plan(self, name: str) -> PlanRecord:
        """A plan by its id or the beginning of its hash: the newest that fits."""
        with self.database.read() as connection:
            return _plan_record(approving.find(connection, name))

    def plan_rows(self, plan_id: str, limit: int = 100) -> list[PlanRow]:
        """The first rows of a plan, with what became of each."""
        query = (
            select(plan_rows, deliveries.c.status, deliveries.c.attempts, deliveries.c.reason)
            .outerjoin(deliveries, deliveries.c.delivery_key == plan_rows.c.delivery_key)
            .where(plan_rows.c.plan_id == plan_id)
            .order_by(plan_rows.c.position)
            .limit(limit)
        )
        with self.database.read() as connection:
            return [
                PlanRow(row["action"], row["customer_id"], row["status"], row["attempts"] or 0, row["reason"])
                for row in connection.execute(query).mappings()
            ]


@contextmanager
def open_ledger(home: Home, url: str | None = None, clock: Clock = lambda: datetime.now(UTC)) -> Iterator[Ledger]:
    """The ledger of a home: SQLite under it, or PostgreSQL by URL. Made on first use."""
    database, secret = open_database(home, url)
    try:
        yield Ledger(database, secret, clock)
    finally:
        database.close()


def _plain(moment: datetime) -> datetime:
    """UTC without an offset, as the tables keep it."""
    return moment.astimezone(UTC).replace(tzinfo=None)


def _last_plan(connection: Connection, channel: Channel) -> PlanRecord | None:
    query = select(plans).where(of_channel(plans, channel) & (plans.c.verdict != "held"))
    row = connection.execute(query.order_by(plans.c.number.desc()).limit(1)).mappings().first()
    return None if row is None else _plan_record(row)


def _leaves_done(connection: Connection, plan: PlanRecord) -> int:
    done = (
        select(func.count())
        .select_from(plan_rows.join(deliveries, deliveries.c.delivery_key == plan_rows.c.delivery_key))
        .where((plan_rows.c.plan_id == plan.plan_id) & (plan_rows.c.action == "leave"))
        .where(deliveries.c.status == "acknowledged")
    )
    return plan.baseline_leaves + int(connection.execute(done).scalar_one())


def _memberships(connection: Connection, channel: Channel) -> Iterator[Membership]:
    table = memberships.c
    query = select(table.customer_id, table.spell, table.address, table.sent_as, table.is_certain)
    for row in connection.execute(query.where(of_channel(memberships, channel))):
        yield Membership(row.customer_id, row.spell, row.address, row.sent_as, row.is_certain)


def _open_deliveries(connection: Connection, channel: Channel) -> Iterator[Delivery]:
    query = select(deliveries).where(of_channel(deliveries, channel) & deliveries.c.status.in_(OPEN))
    for row in connection.execute(query.order_by(deliveries.c.customer_id, deliveries.c.spell)).mappings():
        yield _delivery(row)


def _delivery(row: RowMapping) -> Delivery:
    if row["address"] is None:
        raise LedgerError(f"delivery {row['delivery_key']}: is open but has no address; restore the ledger")
    return Delivery(
        key=row["delivery_key"],
        plan_id=row["plan_id"],
        action=row["action"],
        customer_id=row["customer_id"],
        sent_as=row["sent_as"],
        spell=row["spell"],
        address=row["address"],
        fields=row["fields"] or "{}",
        status=row["status"],
        attempts=row["attempts"],
        batch_id=row["batch_id"],
        batch_at=None if row["batch_at"] is None else row["batch_at"].replace(tzinfo=UTC),
        last_snapshot_id=row["last_snapshot_id"],
    )


_PLAN_COLUMNS = tuple(PlanRecord.__dataclass_fields__)


def _plan_record(row: RowMapping) -> PlanRecord:
    values = {name: row[name] for name in _PLAN_COLUMNS}
    for name in ("created_at", "closed_at"):
        values[name] = None if values[name] is None else values[name].replace(tzinfo=UTC)
    return PlanRecord(**values)
