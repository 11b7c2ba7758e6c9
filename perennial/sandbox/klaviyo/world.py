"""The demo's messaging system in Klaviyo's shape: campaigns, flows, what was sent and what came back, as events.

What lives here: the way from the contract's campaigns, messages and message_events to Klaviyo's records. What does not:
people and consents (world_profiles.py), the form of a record (shapes.py).

Klaviyo sends e-mail, SMS and push; conversations and other channels are another system's and are left to it. It has no
place for what a campaign cost. A campaign's stage is its tag `stage: …`, an automation is a flow, its campaigns are
what the flow's steps send. A message is no record there: it shows in its events alone, so one without does not show.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pandas as pd

from perennial.sandbox.klaviyo import shapes
from perennial.sandbox.klaviyo.shapes import Record, seconds, written
from perennial.sandbox.klaviyo.world_profiles import STATEMENTS, People, can_be

CHANNELS = {"email": "email", "sms": "sms", "push": "mobile_push"}  # the contract's word → Klaviyo's
ACTIONS = {"email": "send-email", "sms": "send-sms", "push": "send-mobile-push"}
METRICS = {
    ("email", "delivered"): "Received Email",
    ("email", "opened"): "Opened Email",
    ("email", "clicked"): "Clicked Email",
    ("email", "bounced"): "Bounced Email",
    ("email", "complained"): "Marked Email as Spam",
    ("email", "unsubscribed"): "Unsubscribed from Email Marketing",
    # Klaviyo's words are the recipient's: they received what was sent, and what they sent came in
    ("sms", "delivered"): "Received SMS",
    ("sms", "clicked"): "Clicked SMS",
    ("sms", "bounced"): "Failed to Deliver SMS",
    ("sms", "unsubscribed"): "Unsubscribed from SMS Marketing",
    ("push", "delivered"): "Received Push",
    ("push", "opened"): "Opened Push",
    ("push", "bounced"): "Bounced Push",
}
OTHER_METRICS = ("Dropped Email", "Sent SMS", "Placed Order", *STATEMENTS.values())
TRIGGERS = {"welcome": "Added to List"}
Rows = Iterator[dict[str, Any]]


@dataclass(frozen=True)
class Sent:
    """A message on its way through Klaviyo."""

    ref: tuple[str, str]
    profile: str
    channel: str
    properties: Record


def records(tables: Mapping[str, pd.DataFrame]) -> dict[str, list[Record]]:
    """Collection → records, from the contract's tables of the messaging source by name."""
    people = People()
    names = {row["campaign_id"]: row["name"] for row in _rows(tables, "campaigns")}
    sent = {row["message_id"]: _sent(row, people, names) for row in _mine(tables)}
    events = [record for row in _rows(tables, "message_events") for record in _events(row, sent, people)]
    for row in _rows(tables, "consents"):
        people.hear(row)
    until = _end(tables)
    return {
        "metrics": _metrics(tables),
        **_campaigns(tables),
        "profiles": people.profiles(until),
        "events": events + people.statements,
    }


def campaign_id(theirs: str) -> str:
    """Klaviyo's id of a campaign of the demo."""
    return shapes.long_id("campaign", theirs)


def message_id(theirs: str) -> str:
    """Klaviyo's id of what a campaign or a step of a flow sends."""
    return shapes.long_id("campaign-message", theirs)


def flow_message_id(theirs: str) -> str:
    return shapes.short_id("flow-message", theirs)


def flow_id(theirs: str) -> str:
    return shapes.short_id("flow", theirs)


def _rows(tables: Mapping[str, pd.DataFrame], name: str) -> Rows:
    """A table's rows, nothing as None and times as datetimes."""
    frame = tables.get(name)
    if frame is None:
        return
    columns = {
        column: [None if pd.isna(value) else value for value in frame[column].astype(object)] for column in frame
    }
    for number in range(len(frame)):
        yield {
            str(name): value.to_pydatetime() if isinstance(value := values[number], pd.Timestamp) else value
            for name, values in columns.items()
        }


def _mine(tables: Mapping[str, pd.DataFrame]) -> Rows:
    for row in _rows(tables, "messages"):
        is_sent = row["direction"] == "outbound" and row["channel"] in CHANNELS and row["conversation_id"] is None
        if is_sent and can_be(row["contact_ref_type"]):
            yield row


def _sent(row: Mapping[str, Any], people: People, names: Mapping[str, str]) -> Sent:
    ref = (row["contact_ref_type"], row["contact_ref"])
    at, campaign = row["sent_at"], row["campaign_id"]
    if row["automation_id"] is not None:
        message = flow_message_id(campaign or row["automation_id"])
    else:
        message = message_id(campaign or row["message_id"])
    name = names.get(campaign) or ""
    properties: Record = {
        "Campaign Name": name, "$message": message, "$_cohort$message_send_cohort": f"{seconds(at)}:{message}",
        "$event_id": f"{message}:{shapes.number('send', row['message_id'])}",
    }  # fmt: skip
    if row["automation_id"] is not None:
        properties["$flow"] = flow_id(row["automation_id"])
    if row["variant_id"] is not None:
        properties["$variation"] = row["variant_id"]
        properties["$_cohort$variation_send_cohort"] = f"{seconds(at)}:{row['variant_id']}"
    if row["channel"] == "email":
        domain = ref[1].rpartition("@")[2] if ref[0] == "email" else ""
        properties |= {"Subject": name, "$ESP": 0, "Email Domain": domain}
    else:
        properties |= {"Message Name": name, "Message Type": "flow" if row["automation_id"] else "campaign"}
    return Sent(ref, people.meet(ref, at), row["channel"], properties)


def _events(row: Mapping[str, Any], sent: Mapping[str, Sent], people: People) -> Rows:
    message = sent.get(row["message_id"])
    if message is None or (message.channel, row["event_type"]) not in METRICS:
        return
    properties = dict(message.properties)
    if row["event_type"] == "opened":
        properties["machine_open"] = bool(row["is_machine"])
    elif row["event_type"] == "clicked":
        properties |= {"URL": row["url"], "Bot Click": bool(row["is_machine"])}
    elif row["event_type"] == "bounced" and message.channel == "email":
        properties["Bounce Type"] = "Hard"
    elif row["event_type"] == "bounced":
        properties |= {"Failure Type": "Device Disconnected", "Failure Source": "carrier"}
    people.back(message.ref, message.channel, row["event_type"], row["occurred_at"])
    name = METRICS[message.channel, row["event_type"]]
    yield shapes.event(shapes.event_id("event", row["event_id"]), name, message.profile, row["occurred_at"], properties)


def _campaigns(tables: Mapping[str, pd.DataFrame]) -> dict[str, list[Record]]:
    found: dict[str, list[Record]] = {
        name: [] for name in ("campaigns", "campaign-messages", "flows", "flow-actions", "tags")
    }
    flows: dict[str, list[dict[str, Any]]] = {}
    rows = [row for row in _rows(tables, "campaigns") if row["channel"] in CHANNELS]
    for stage in sorted({row["stage"] for row in rows if row["stage"] is not None}):
        found["tags"].append(shapes.tag(_tag(stage)))
    for row in rows:
        if row["automation_id"] is not None:
            flows.setdefault(row["automation_id"], []).append(row)
            continue
        theirs, at, channel = row["campaign_id"], written(row["started_at"]), CHANNELS[row["channel"]]
        message, tags = message_id(theirs), _tags([row])
        found["campaigns"].append(shapes.campaign(campaign_id(theirs), row["name"], channel, at, [message], tags))
        found["campaign-messages"].append(
            shapes.campaign_message(message, campaign_id(theirs), row["name"], channel, at)
        )
    for automation, steps in flows.items():
        actions = [_action(automation, row) for row in steps]
        began = min(written(row["started_at"]) for row in steps)
        trigger = TRIGGERS.get(automation, "Metric")
        found["flow-actions"] += actions
        found["flows"].append(
            shapes.flow(flow_id(automation), automation, trigger, began, [each["id"] for each in actions], _tags(steps))
        )
    return found


def _action(automation: str, row: Mapping[str, Any]) -> Record:
    identifier = str(shapes.number("flow-action", row["campaign_id"]) % 10**8)
    return shapes.flow_action(
        identifier, flow_id(automation), ACTIONS[row["channel"]], flow_message_id(row["campaign_id"]), row["name"],
        written(row["started_at"]),
    )  # fmt: skip


def _tags(rows: list[dict[str, Any]]) -> list[str]:
    stages = sorted({row["stage"] for row in rows if row["stage"] is not None})
    return [shapes.tag(_tag(stage))["id"] for stage in stages]


def _tag(stage: str) -> str:
    return f"stage: {stage}"


def _metrics(tables: Mapping[str, pd.DataFrame]) -> list[Record]:
    frame = tables.get("messages")
    first = datetime(2020, 1, 1) if frame is None or frame.empty else frame["sent_at"].min().to_pydatetime()
    began = written(first)
    return [shapes.metric(name, began) for name in dict.fromkeys((*METRICS.values(), *OTHER_METRICS))]


def _end(tables: Mapping[str, pd.DataFrame]) -> datetime:
    """The last thing that happened: what is dated after it is a statement about the future."""
    times = [
        frame[column].max()
        for name, column in (("messages", "sent_at"), ("message_events", "occurred_at"))
        if (frame := tables.get(name)) is not None and len(frame)
    ]
    return max(times).to_pydatetime() if times else datetime(2020, 1, 1)
