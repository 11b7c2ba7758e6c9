"""One person of the published snapshot, to explain their stages: who they are, their facts on a day, and evidence.

What lives here: the queries. What does not: which rule the facts meet (perennial/lifecycle/explanation.py), and what
is shown of it (perennial/cli/explain.py).

"On a day" is what a night with that as_of would have said: events before that instant, and thresholds of days that are
reached at it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import duckdb

from perennial.config.home import Home
from perennial.config.problems import ConfigError
from perennial.lifecycle.declaration import Facts
from perennial.report.bearers import bearers
from perennial.warehouse.duck import connect, name, quote

Row = dict[str, Any]
BY_TIME = "time:"


@dataclass(frozen=True)
class Stay:
    """A person in a stage. Times are aware, in UTC."""

    stage_model: str
    stage: str
    kind: str
    lost_reason: str | None
    valid_from: datetime
    valid_to: datetime | None
    cause_event_id: str
    rule_version: str


class Customers:
    """The snapshot that was current when it was opened, asked about one person at a time."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, zone: ZoneInfo) -> None:
        self._connection = connection
        self._zone = zone

    def card(self) -> tuple[str, datetime]:
        """The snapshot's id, and up to when it looks."""
        (card,) = self.rows("select snapshot_id, as_of from publish.snapshot")
        return card["snapshot_id"], card["as_of"]

    def rows(self, query: str, values: Sequence[object] | dict[str, object] = ()) -> list[Row]:
        """Rows by column name; times come as aware ones in UTC. ConfigError where the snapshot lacks a table."""
        try:
            found = self._connection.execute(query, values or None)
        except duckdb.CatalogException as error:
            lacking = str(error).splitlines()[0]
            raise ConfigError([f"the published snapshot lacks a table: {lacking}; run the night once more"]) from error
        names = [column[0] for column in found.description]
        return [dict(zip(names, map(_aware, row), strict=True)) for row in found.fetchall()]

    def own_limits(self) -> dict[str, int]:
        """The limits in days of RFM groups that this snapshot was built with."""
        (row,) = self.rows("select recent_days, nurture_days, risk_days from customer.repeat_times")
        return {column.removesuffix("_days"): days for column, days in row.items()}

    def find(self, asked: str) -> list[str]:
        """Whom an id or an e-mail address means: none, one, or several who bear that address."""
        if "@" in asked:
            return bearers(self._connection, asked)
        found = self.rows("select customer_id from customer.people where customer_id = ?", [asked])
        return [row["customer_id"] for row in found]

    def redirect(self, asked: str) -> tuple[str, datetime] | None:
        """The id that an ended one leads to, and the night that ended id was given; None where it leads nowhere."""
        found = self.rows(
            "select into_customer_id, given_at from customer.customer_redirects"
            " where customer_id = ? and into_customer_id is not null",
            [asked],
        )
        return (found[0]["into_customer_id"], found[0]["given_at"]) if found else None

    def person(self, customer_id: str) -> Row:
        (found,) = self.rows(
            "select customers.email, customers.phone, customers.first_name, customers.last_name, customers.country,"
            " people.first_seen_at, people.sources from customer.people as people"
            " join customer.customers as customers on people.customer_id = customers.customer_id"
            " where people.customer_id = ?",
            [customer_id],
        )
        return found

    def stays(self, customer_id: str, at: datetime) -> list[Stay]:
        """Every stay that had begun by then, model by model, in time order; one that ended later was still open."""
        found = self.rows(
            "select stage_model, stage, kind, lost_reason, valid_from, valid_to, cause_event_id, rule_version"
            " from lifecycle.stage_history where customer_id = $id"
            " and (valid_from < $at or (valid_from = $at and starts_with(cause_event_id, $by_time)))"
            " order by stage_model, valid_from",
            {"id": customer_id, "at": _bare(at), "by_time": BY_TIME},
        )
        last = {row["stage_model"]: row for row in found}
        return [Stay(**{**row, "valid_to": None} if row is last[row["stage_model"]] else row) for row in found]

    def facts(self, customer_id: str, at: datetime) -> Facts:
        """Every fact that stages are made of, from what had happened by then."""
        orders = self.rows(
            "with store as ("
            " select cast(sum(revenue_to_date_amount) / nullif(sum(order_number), 0) as decimal(18, 4)) as mean"
            " from customer.customer_orders where next_ordered_at is null and revenue_to_date_amount is not null"
            ") select order_number, ordered_on,"
            " coalesce(cast(revenue_to_date_amount / order_number as decimal(18, 4)) >= mean, false) as is_high_value"
            " from customer.customer_orders cross join store where customer_id = ? and ordered_at < ?"
            " order by order_number desc limit 1",
            [customer_id, _bare(at)],
        )
        last = orders[0] if orders else None
        (person,) = self.rows("select reachable_from from customer.people where customer_id = ?", [customer_id])
        (side,) = self.rows(
            "select count(*) filter (where fact = 'advocacy') as advocacy,"
            " count(*) filter (where fact = 'conversation') as conversations,"
            " count(*) filter (where fact = 'inbound_message') as written,"
            " max(occurred_at) filter (where fact = 'inbound_message') as last_written_at,"
            " count(*) filter (where fact = 'deal_opened') - count(*) filter (where fact = 'deal_closed') as deals,"
            " last(stage order by told_at, source_name, event_id) filter (where fact = 'source_stage') as stage"
            " from lifecycle.side_events where customer_id = ? and occurred_at < ?",
            [customer_id, _bare(at)],
        )
        today = self.day(at)
        written_on = None if side["last_written_at"] is None else self.day(side["last_written_at"])
        return {
            "orders_count": last["order_number"] if last else 0,
            "days_since_last_order": (today - last["ordered_on"]).days if last else None,
            "is_reachable": int(person["reachable_from"] is not None and person["reachable_from"] < at),
            "is_high_value": int(bool(last and last["is_high_value"])),
            "advocacy_count": side["advocacy"],
            "conversations_count": side["conversations"],
            "inbound_messages_count": side["written"],
            "days_since_last_inbound": None if written_on is None else (today - written_on).days,
            "open_deals_count": side["deals"],
            "source_stage": side["stage"] or None,
        }

    def actions(self, customer_id: str) -> dict[str, Row]:
        """Label and next action of the stage held now, per stage model."""
        found = self.rows(
            "select stage_model, stage, stage_label, next_action from lifecycle.customer_stages where customer_id = ?",
            [customer_id],
        )
        return {row["stage_model"]: row for row in found}

    def loss(self, customer_id: str, stay: Stay) -> Row | None:
        """What is known of a stay of kind lost."""
        found = self.rows(
            "select lost_by, lead_campaign, first_reply_minutes, unanswered_message_id from lifecycle.losses"
            " where customer_id = ? and stage_model = ? and lost_at = ?",
            [customer_id, stay.stage_model, _bare(stay.valid_from)],
        )
        return found[0] if found else None

    def risk(self, customer_id: str) -> Row | None:
        """The signs that they may leave, each as a figure and a flag."""
        found = self.rows(
            "select * exclude (customer_id) from lifecycle.risk_signals where customer_id = ?", [customer_id]
        )
        return found[0] if found else None

    def conversations(self, customer_id: str) -> list[Row]:
        """Every open conversation of theirs, with its place in the order in which to answer."""
        return self.rows(
            "select * exclude (customer_id) from lifecycle.conversation_priorities where customer_id = ?"
            " order by priority_rank",
            [customer_id],
        )

    def consents(self, customer_id: str) -> list[Row]:
        return self.rows(
            "select channel, purpose, brand, status, changed_at, source_name, evidence"
            " from customer.customer_consents where customer_id = ? order by all",
            [customer_id],
        )

    def audiences(self, customer_id: str) -> list[Row]:
        """Every audience that the person is in, or that a channel holds or was sent them for."""
        found: dict[str, Row] = {}

        def of(audience: str) -> Row:
            empty: Row = {"audience": audience, "is_member": False, "held_by": [], "deliveries": []}
            return found.setdefault(audience, empty)

        for table in self.rows(
            "select table_name from information_schema.columns"
            " where table_schema = 'audiences' and column_name = 'customer_id' order by all"
        ):
            place = f"audiences.{name(table['table_name'])}"
            if self.rows(f"select 1 from {place} where customer_id = ? limit 1", [customer_id]):
                of(table["table_name"])["is_member"] = True
        for row in self.rows(
            "select audience, destination, member_since from activation.memberships where customer_id = ? order by all",
            [customer_id],
        ):
            of(row.pop("audience"))["held_by"].append(row)
        for row in self.rows(
            "select audience, destination, action, status, reason, created_at, acknowledged_at"
            " from activation.deliveries where customer_id = ? order by audience, created_at, destination, action",
            [customer_id],
        ):
            of(row.pop("audience"))["deliveries"].append(row)
        return [found[audience] for audience in sorted(found)]

    def day(self, at: datetime) -> date:
        """The business day of an instant."""
        return at.astimezone(self._zone).date()


def _aware(value: Any) -> Any:
    return value.replace(tzinfo=UTC) if isinstance(value, datetime) else value


def _bare(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(tzinfo=None)


@contextmanager
def open_customers(home: Home, time_zone: str) -> Iterator[Customers]:
    """The current snapshot, read-only; ConfigError where nothing is published."""
    path = home.published_file
    if not path.exists():
        raise ConfigError([f"{path}: nothing is published yet; run the night, or name its home in PERENNIAL_HOME"])
    with connect(None, memory_limit="512MB", threads=1) as connection:
        connection.execute(f"attach {quote(str(path))} as snapshot (read_only)")
        connection.execute("use snapshot")
        yield Customers(connection, ZoneInfo(time_zone))
