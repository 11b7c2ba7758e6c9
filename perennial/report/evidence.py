"""What a cause of a stay is, looked up: the order, the message, the change of stage; or the days that passed.

What lives here: a cause_event_id turned into rows that a person can go and look at. What does not: which causes there
are (lifecycle.stage_history says), and what is shown of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from perennial.config.words import counted
from perennial.report.customer import Customers, Row, Stay

# what the timeline calls the events that lifecycle.side_events gathers; what happened, in words
TOLD = {
    "conversation": ("conversation_opened", "opened a conversation"),
    "inbound_message": ("message_inbound", "wrote a message"),
    "source_stage": ("crm_stage_changed", "was given the stage"),
    "deal_opened": ("deal_opened", "a deal was opened"),
    "deal_closed": (None, "a deal was closed"),
    "advocacy": (None, "spoke for the shop"),
}
PASSED = {"days_since_last_order": "order", "days_since_last_inbound": "inbound_message"}


@dataclass(frozen=True)
class Evidence:
    """One row somewhere: what it tells, when, and where it can be found."""

    text: str
    at: datetime | None = None
    source_name: str | None = None
    source_id: str | None = None


def evidence_of(customers: Customers, customer_id: str, stay: Stay) -> list[Evidence]:
    """The rows behind the beginning of a stay, the decisive one first."""
    kind, _, rest = stay.cause_event_id.partition(":")
    source_name, _, source_id = rest.partition(":")
    if kind == "time":
        return _passing(customers, customer_id, stay, source_name, source_id)
    if kind in ("first_seen", "reachable"):
        return _records(customers, customer_id, stay, kind)
    if kind == "order":
        return _order(customers, customer_id, "source_name = ? and order_id = ?", [source_name, source_id])
    return _told(customers, customer_id, kind, source_name, source_id)


def loss_evidence(loss: Row | None) -> list[Evidence]:
    """Beside its cause, what a loss is judged by."""
    if loss is None:
        return []
    found = []
    if loss["lost_by"]:
        found.append(Evidence(f"said by: {loss['lost_by']}"))
    if loss["lead_campaign"]:
        found.append(Evidence(f"first came by campaign {loss['lead_campaign']}"))
    if loss["first_reply_minutes"] is not None:
        found.append(Evidence(f"waited {counted(round(loss['first_reply_minutes']), 'minute')} for the first answer"))
    if loss["unanswered_message_id"]:
        found.append(Evidence(f"their last message {loss['unanswered_message_id']} was never answered"))
    return found


def _passing(customers: Customers, customer_id: str, stay: Stay, fact: str, days: str) -> list[Evidence]:
    what = fact.replace("_", " ")
    since = {"days_since_last_order": "last order", "days_since_last_inbound": "last message"}.get(fact, what)
    found = [Evidence(f"{counted(int(days), 'day')} since the {since} had passed", stay.valid_from)]
    if PASSED.get(fact) == "order":
        return found + _order(customers, customer_id, "ordered_at < ? ", [_bare(stay.valid_from)])
    last = customers.rows(
        "select source_name, event_id from lifecycle.side_events"
        " where customer_id = ? and fact = ? and occurred_at < ? order by told_at desc, source_name, event_id limit 1",
        [customer_id, PASSED.get(fact, fact), _bare(stay.valid_from)],
    )
    for row in last:
        found += _told(customers, customer_id, PASSED[fact], row["source_name"], row["event_id"])
    return found


def _order(customers: Customers, customer_id: str, which: str, values: list[object]) -> list[Evidence]:
    found = customers.rows(
        "select source_name, order_id, ordered_at, order_number, revenue_amount, currency"
        f" from customer.customer_orders where customer_id = ? and {which} order by order_number desc limit 1",
        [customer_id, *values],
    )
    return [
        Evidence(
            f"order number {row['order_number']} of theirs, {_money(row['revenue_amount'], row['currency'])}",
            row["ordered_at"], row["source_name"], row["order_id"],
        )
        for row in found
    ]  # fmt: skip


def _records(customers: Customers, customer_id: str, stay: Stay, kind: str) -> list[Evidence]:
    bears = "and (email is not null or phone is not null)" if kind == "reachable" else ""
    what = "first record with an address" if kind == "reachable" else "first record"
    found = customers.rows(
        "select source_name, record_type, record_id, first_seen_at from customer.customer_identifiers"
        f" where customer_id = ? and first_seen_at <= ? {bears}"
        " order by first_seen_at desc, source_name, record_type, record_id limit 1",
        [customer_id, _bare(stay.valid_from)],
    )
    return [
        Evidence(
            f"{what} of theirs, a {row['record_type']}", row["first_seen_at"], row["source_name"], row["record_id"]
        )
        for row in found
    ]


def _told(customers: Customers, customer_id: str, fact: str, source_name: str, source_id: str) -> list[Evidence]:
    event_type, text = TOLD.get(fact, (None, fact))
    (event,) = customers.rows(
        "select any_value(told_at) as told_at, any_value(stage) as stage from lifecycle.side_events"
        " where customer_id = ? and fact = ? and source_name = ? and event_id = ?",
        [customer_id, fact, source_name, source_id],
    )
    shown = customers.rows(
        "select event_type, channel, amount from customer.customer_timeline"
        " where customer_id = ? and source_name = ? and source_id = ? and occurred_at = ?"
        " and event_type = coalesce(?, event_type) order by all limit 1",
        [customer_id, source_name, source_id, event["told_at"] and _bare(event["told_at"]), event_type],
    )
    for row in shown:
        if event_type is None:
            text += f" ({row['event_type']})"
        text += f" by {row['channel']}" if row["channel"] else ""
        text += f", {_money(row['amount'], None)}" if row["amount"] is not None else ""
    if fact == "source_stage":
        text += f" {event['stage']}" if event["stage"] else " of nobody any more"
    return [Evidence(text, event["told_at"], source_name, source_id)]


def _money(amount: object, currency: str | None) -> str:
    return "of unknown amount" if amount is None else f"{amount:,.2f}" + (f" {currency}" if currency else "")


def _bare(at: datetime) -> datetime:
    return at.replace(tzinfo=None)
