"""What Omnisend's records look like, and which field fills which landed column.

What lives here: payload schemas and rows. What does not: asking (adapter.py), the landed tables themselves
(perennial/config/vendors/omnisend.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from perennial.sources.api.shape import Optional, OptionalList
from perennial.sources.base import Form, Rows

CHANNELS = ("email", "sms")
_STATE = Optional(status="text", statusChangedAt="text?")
_CONTACT = {
    "id": "text", "firstName": "text?", "lastName": "text?", "country": "text?", "countryCode": "text?",
    "birthdate": "text?", "tags": OptionalList(["text"]), "status": "text?", "createdAt": "text", "updatedAt": "text",
    "identifiers": [{"id": "text", "type": "text", "channels": Optional(email=_STATE, sms=_STATE)}],
    "consents": OptionalList([{"channel": "text", "source": "text?", "createdAt": "text"}]),
    "optIns": OptionalList([{"channel": "text", "optInAt": "text"}]),
}  # fmt: skip


def _identifier(kind: str) -> str:
    """The first identifier of a type: more than one of it are seldom."""
    return f"list_filter(item.identifiers, lambda x: x.type = '{kind}')[1].id"


_CONTACT_ROWS = Rows(
    "contacts",
    {
        "contact_id": "item.id",
        "email": _identifier("email"),
        "phone": _identifier("phone"),
        "first_name": "item.firstName",
        "last_name": "item.lastName",
        "country": "coalesce(nullif(item.countryCode, ''), item.country)",
        "birthdate": "item.birthdate",
        "tags": "array_to_string(item.tags, ', ')",
        "email_status": "item.status",
        "created_at": "item.createdAt",
        "updated_at": "item.updatedAt",
        "is_deleted": "false",
    },
)


def _channel_rows(channel: str) -> Rows:
    return Rows(
        "contact_channels",
        {
            "contact_id": "item.id",
            "identifier": "line.id",
            "channel": f"'{channel}'",
            "identifier_type": "line.type",
            "status": f"line.channels.{channel}.status",
            "changed_at": f"line.channels.{channel}.statusChangedAt",
            "updated_at": "item.updatedAt",
        },
        each="item.identifiers",
        where=f"line.channels.{channel}.status is not null",
    )


def _consent_rows(each: str, kind: str, stated_at: str, source: str) -> Rows:
    return Rows(
        "contact_consents",
        {
            "contact_id": "item.id",
            "channel": "line.channel",
            "kind": f"'{kind}'",
            "stated_at": f"line.{stated_at}",
            "consent_source": source,
            "updated_at": "item.updatedAt",
        },
        each=f"item.{each}",
    )


CONTACTS = Form(
    "contacts[]",
    _CONTACT,
    [
        _CONTACT_ROWS,
        *(_channel_rows(channel) for channel in CHANNELS),
        _consent_rows("consents", "consent", "createdAt", "line.source"),
        _consent_rows("optIns", "opt_in", "optInAt", "cast(null as varchar)"),
    ],
)
CONTACT_IDS = Form(
    "contacts[]", {"id": "text"}, [Rows("contact_ids", {"contact_id": "item.id", "is_deleted": "false"})]
)

CAMPAIGNS = Form(
    "campaigns[]",
    {
        "id": "text", "name": "text?", "type": "text?", "status": "text", "channel": "text", "startedAt": "text?",
        "endedAt": "text?", "createdAt": "text", "updatedAt": "text",
    },
    [
        Rows(
            "campaigns",
            {
                "campaign_id": "item.id",
                "name": "item.name",
                "campaign_type": "item.type",
                "status": "item.status",
                "channel": "item.channel",
                "started_at": "item.startedAt",
                "ended_at": "item.endedAt",
                "created_at": "item.createdAt",
                "updated_at": "item.updatedAt",
                "is_deleted": "false",
            },
        )
    ],
)  # fmt: skip
AUTOMATIONS = Form(
    "automations[]",
    {
        "id": "text", "name": "text?", "isEnabled": "boolean", "createdAt": "text", "updatedAt": "text",
        "blocks": OptionalList([{"action": Optional(type="text")}]),
    },
    [
        Rows(
            "automations",
            {
                "automation_id": "item.id",
                "name": "item.name",
                "is_enabled": "item.isEnabled",
                # what its first message is sent by
                "first_send": "list_filter(item.blocks, lambda x: x.action.type like 'send%')[1].action.type",
                "created_at": "item.createdAt",
                "updated_at": "item.updatedAt",
                "is_deleted": "false",
            },
        )
    ],
)  # fmt: skip


def watched(items: Sequence[Mapping[str, Any]]) -> list[Any]:
    """Records for the watch over their shape: a brand's own properties are its own, and no news."""
    return [{key: value for key, value in item.items() if key != "customProperties"} for item in items]
