"""The demo world's messaging as Omnisend would hold it: contacts with their consent, campaigns, automations.

What lives here: contract tables → records of the API. What does not: the API. Omnisend keeps one state per channel, of
e-mail and SMS alone, and a history of each yes: so a no that a later yes took back is gone, as are jurisdiction and
purpose, and consents of other channels. A yes that was imported after a no changes no state. Nothing tells which e-mail
and which phone are one person's, so each is a contact of its own; crm_contacts, where handed in, lend names and
birthdays. Of campaigns it keeps no cost and no stage. Ids are 24 hexadecimal digits, made from a record's name.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from perennial.sandbox.omnisend.shapes import Record, complete

CHANNELS = {"email": "email", "phone": "sms"}  # identifier type → the channel it is reached by
_ACTIONS = {"email": "sendEmail", "sms": "sendSms", "push": "sendPush"}
IMPORTED = "import"


def records(tables: Mapping[str, pd.DataFrame]) -> dict[str, list[Record]]:
    """Collection → whole records."""
    campaigns, automations = _campaigns(tables.get("campaigns"))
    found = {
        "contacts": _contacts(tables.get("consents"), _people(tables.get("crm_contacts"))),
        "campaigns": campaigns,
        "automations": automations,
    }
    return {name: [complete(name, record) for record in parts] for name, parts in found.items()}


def object_id(kind: str, name: str) -> str:
    """The same name gets the same id."""
    return hashlib.sha256(f"{kind}:{name}".encode()).hexdigest()[:24]


def known(value: object) -> bool:
    return value is not None and not pd.isna(value)


def _contacts(consents: pd.DataFrame | None, people: Mapping[str, Record]) -> list[Record]:
    if consents is None:
        return []
    reachable = consents[
        consents["contact_ref_type"].isin(list(CHANNELS))
        & (consents["channel"] == consents["contact_ref_type"].map(CHANNELS))
        & (consents["purpose"] == "marketing")
    ].sort_values(["changed_at", "status"], ascending=[True, False], kind="stable")  # at equal times the no comes last
    groups = reachable.groupby(["contact_ref_type", "contact_ref"], sort=True)
    return [_contact(kind, ref, list(rows.itertuples(index=False)), people) for (kind, ref), rows in groups]


def _contact(kind: str, ref: str, statements: Sequence[Any], people: Mapping[str, Record]) -> Record:
    channel = CHANNELS[kind]
    yeses = [each for each in statements if each.status == "granted"]
    state = _state(statements)
    subscription = {
        "status": "subscribed" if state.status == "granted" else "unsubscribed",
        "statusChangedAt": _time(state.changed_at),
    }
    return {
        "id": object_id(kind, ref),
        "identifiers": [{"id": ref, "type": kind, "channels": {channel: subscription}}],
        "consents": [
            {"channel": channel, "source": str(yes.evidence or ""), "createdAt": _time(yes.changed_at)} for yes in yeses
        ],
        "optIns": [{"channel": channel, "optInAt": _time(yes.changed_at)} for yes in yeses],
        "createdAt": _time(statements[0].changed_at),
        "updatedAt": _time(state.changed_at),
        **people.get(ref.strip().lower(), {}),
    }


def _state(statements: Sequence[Any]) -> Any:
    """The statement that counts now."""
    current = statements[0]
    for each in statements[1:]:
        if not (each.status == "granted" and each.evidence == IMPORTED and current.status == "denied"):
            current = each
    return current


def _people(contacts: pd.DataFrame | None) -> dict[str, Record]:
    """E-mail → what the CRM knows of the person."""
    if contacts is None:
        return {}
    return {
        str(row.email).strip().lower(): {
            "firstName": _text(row.first_name),
            "lastName": _text(row.last_name),
            "countryCode": _text(row.country),
            "birthdate": str(row.birth_on)[:10] if known(row.birth_on) else None,
        }
        for row in contacts.itertuples(index=False)
        if known(row.email)
    }


def _campaigns(campaigns: pd.DataFrame | None) -> tuple[list[Record], list[Record]]:
    """What was sent by hand, and what is sent by rule."""
    rows = [] if campaigns is None else list(campaigns.itertuples(index=False))
    rows = [row for row in rows if row.channel in _ACTIONS]
    by_hand = [
        {
            **_named("campaign", row), "channel": row.channel, "status": "sent", "startedAt": _time(row.started_at),
            "endedAt": _time(row.started_at),
        }
        for row in rows if not known(row.automation_id)
    ]  # fmt: skip
    by_rule = [
        {
            **_named("automation", row),
            "blocks": [
                {"id": object_id("block", row.campaign_id), "type": "action", "action": {"type": _ACTIONS[row.channel]}}
            ],
        }
        for row in rows if known(row.automation_id)
    ]  # fmt: skip
    return by_hand, by_rule


def _named(kind: str, row: Any) -> Record:
    started = _time(row.started_at)
    return {"id": object_id(kind, row.campaign_id), "name": row.name, "createdAt": started, "updatedAt": started}


def _time(at: pd.Timestamp) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def _text(value: object) -> str:
    return str(value) if known(value) else ""
