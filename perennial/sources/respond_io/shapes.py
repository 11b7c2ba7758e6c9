"""What respond.io's answers and deliveries look like, and which of their fields fills which landed column.

What lives here: payload schemas and the SQL from an item to raw rows. What does not: asking (adapter.py), the landed
tables themselves (perennial/config/vendors/respond_io.py).

Times come as seconds or milliseconds since 1970, and as microseconds in the ids of messages: which of them is seen from
the size of the number, since the vendor's own documents disagree.
"""

from __future__ import annotations

from perennial.sources.api.shape import Optional
from perennial.sources.base import Form, Rows

_LATEST = 4_102_444_800_000_000  # 2100, in microseconds


def _at(path: str) -> str:
    """A time, from a number since 1970 or from text; nothing where it is neither."""
    number = f"try_cast({path} as double)"
    unit = f"case when {number} >= 1e14 then 1 when {number} >= 1e11 then 1e3 else 1e6 end"
    micros = f"round({number} * {unit})"
    return (
        f"case when {number} is null then try_cast({path} as timestamptz)"
        f" when {micros} between 1 and {_LATEST} then make_timestamptz(cast({micros} as bigint)) end"
    )


def _text(path: str) -> str:
    """A text that may come as an object with a name."""
    return f"case json_type({path}) when 'OBJECT' then {path} ->> '$.name' else {path} ->> '$' end"


def _first(*paths: str) -> str:
    return f"coalesce({', '.join(paths)})"


_FIELDS = 'from_json({}, \'[{{"name":"VARCHAR","value":"JSON"}}]\')'
_STATUSES = 'from_json({}, \'[{{"value":"VARCHAR","timestamp":"VARCHAR"}}]\')'

# --- contacts

CONTACT = {
    "id": "text", "firstName": "text", "lastName": "text", "phone": "text", "email": "text", "countryCode": "text",
    "status": "text", "tags": "any", "custom_fields": "any", "assignee": Optional(id="text?"), "lifecycle": "any",
    "isBlocked": "boolean?", "created_at": "text",
}  # fmt: skip
_CONTACT_ROWS = Rows(
    "contacts",
    {
        "contact_id": "item.id",
        "first_name": "item.firstName",
        "last_name": "item.lastName",
        "phone": "item.phone",
        "email": "item.email",
        "country": "item.countryCode",
        "status": "item.status",
        "assignee_id": "item.assignee.id",
        "lifecycle": _text("item.lifecycle"),
        "tags": "cast(nullif(item.tags, '[]') as varchar)",
        "custom_fields": "cast(nullif(item.custom_fields, '[]') as varchar)",
        "is_blocked": "item.isBlocked",
        "created_at": _at("item.created_at"),
        "is_deleted": "false",
    },
)
_FIELD_ROWS = Rows(
    "contact_fields",
    {"contact_id": "item.id", "name": "line.name", "value": "line.value ->> '$'"},
    each=_FIELDS.format("item.custom_fields"),
    where="line.name is not null",  # one without a value takes the place of one that had some
)
CONTACTS = Form("items[]", CONTACT, (_CONTACT_ROWS, _FIELD_ROWS))

# --- the workspace

CHANNELS = Form(
    "items[]",
    {"id": "text", "name": "text", "source": "text", "created_at": "text?"},
    (
        Rows(
            "channels",
            {
                "channel_id": "item.id",
                "name": "item.name",
                "source": "item.source",
                "created_at": _at("item.created_at"),
            },
        ),
    ),
)
USERS = Form(
    "items[]",
    {"id": "text", "role": "text?", "team": "any?"},
    (
        Rows(
            "users",
            {
                "user_id": "item.id",
                "role": "item.role",
                "team_id": "case json_type(item.team) when 'OBJECT' then item.team ->> '$.id' end",
                "team": _text("item.team"),
            },
        ),
    ),
)

# --- messages

_SENDER = Optional(
    source="text?", userId="text?", teamId="text?", workflowId="text?", broadcastHistoryId="text?"
)  # the vendor's own libraries do not know it, its answers hold it
MESSAGE = {
    "messageId": "text", "channelMessageId": "text?", "contactId": "text", "channelId": "text", "traffic": "text",
    "message": Optional(type="text?"), "sender": _SENDER, "status": "any?", "timestamp": "text?",
}  # fmt: skip


def _message(path: str) -> dict[str, str]:
    return {
        "channel_message_id": f"{path}.channelMessageId",
        "channel_id": f"{path}.channelId",
        "traffic": f"{path}.traffic",
        "message_type": f"{path}.message.type",
        "sender": f"{path}.sender.source",
        "user_id": f"{path}.sender.userId",
        "team_id": f"{path}.sender.teamId",
        "workflow_id": f"{path}.sender.workflowId",
        "broadcast_id": f"{path}.sender.broadcastHistoryId",
    }


def _sent_at(path: str) -> str:
    """A message's time: it says so in webhooks alone; its id is its time in microseconds; else when it went out."""
    of_id = f"case when try_cast({path}.messageId as double) >= 1e14 then {_at(f'{path}.messageId')} end"
    out = f"(select min({_at('one.timestamp')}) from unnest({_STATUSES.format(f'{path}.status')}) as each(one))"
    return _first(of_id, _at(f"{path}.timestamp"), out)


_UPDATED = f"(select max({_at('one.timestamp')}) from unnest({_STATUSES.format('item.status')}) as each(one))"
MESSAGES = Form(
    "items[]",
    MESSAGE,
    (
        Rows(
            "messages",
            {
                "message_id": "item.messageId",
                "contact_id": "item.contactId",
                **_message("item"),
                "sent_at": _sent_at("item"),
                "updated_at": f"greatest({_sent_at('item')}, {_UPDATED})",
            },
        ),
        Rows(
            "message_statuses",
            {"message_id": "item.messageId", "status": "line.value", "changed_at": _at("line.timestamp")},
            each=_STATUSES.format("item.status"),
            where="line.value is not null and line.timestamp is not null",
        ),
    ),
)

# --- deliveries

BODY = {
    "event_type": "text",
    "event_id": "text?",
    "timestamp": "text?",
    "action": "text?",
    "source": "text?",
    "lifecycle": "any?",
    "oldLifecycle": "any?",
    "contact": Optional(id="text", assignee=Optional(id="text?"), custom_fields="any?"),
    "conversation": Optional(
        openedTime="text?", openedBySource="text?", closedTime="text?", closedBySource="text?", category="text?",
        firstResponseTime="text?", assigneeTeam="any?", lastAssignmentTime="text?",
    ),
    "channel": Optional(source="text?"),
    "message": Optional(
        messageId="text", channelMessageId="text?", contactId="text?", channelId="text?", traffic="text?",
        message=Optional(type="text?"), sender=_SENDER, status="any?", timestamp="text?",
    ),
}  # fmt: skip


def delivery_rows(campaign_field: str) -> Rows:
    """One row per delivery. A conversation's campaign is in a field of its contact, as the contact was then."""
    body, talk, message = "item.body", "item.body.conversation", "item.body.message"
    fields = _FIELDS.format(f"{body}.contact.custom_fields")
    return Rows(
        "deliveries",
        {
            # an event without an id of its own is known by what it says
            "event_id": f"coalesce({body}.event_id, md5(cast(to_json({body}) as varchar)))",
            "received_at": "item.received_at",
            "event_type": f"{body}.event_type",
            "hook": "item.hook",
            "segment": "context.segment",
            "contact_id": _first(f"{body}.contact.id", f"{message}.contactId"),
            "happened_at": _at(f"{body}.timestamp"),
            "assignee_id": f"{body}.contact.assignee.id",
            "lifecycle": _text(f"{body}.lifecycle"),
            "old_lifecycle": _text(f"{body}.oldLifecycle"),
            "action": f"{body}.action",
            "changed_by": f"{body}.source",
            "opened_at": _at(f"{talk}.openedTime"),
            "opened_by": f"{talk}.openedBySource",
            "closed_at": _at(f"{talk}.closedTime"),
            "closed_by": f"{talk}.closedBySource",
            "category": f"{talk}.category",
            "first_response_seconds": f"try_cast({talk}.firstResponseTime as bigint)",
            "team": _text(f"{talk}.assigneeTeam"),
            "last_assigned_at": _at(f"{talk}.lastAssignmentTime"),
            "source_campaign": f"list_filter({fields}, lambda each: each.name = '{campaign_field}')[1].value ->> '$'",
            "message_id": f"{message}.messageId",
            **_message(message),
            "channel_source": f"{body}.channel.source",
            "sent_at": _sent_at(message),
        },
    )
