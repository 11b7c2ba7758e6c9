"""The demo world's messaging system as respond.io holds it: contacts, their conversations, and who took them on.

What lives here: the mapping from the contract's tables to records of the sandbox. What does not: messages
(world_messages.py), users and references (world_rows.py), the API (api.py).

respond.io has no id for a conversation: it is a contact and the second it was opened in. Ids of users, teams, workflows
and broadcasts are numbers; a message's own id survives as the one its channel gave it. E-mail, text message and push
campaigns are not respond.io's: Klaviyo holds them, what came of them, and the consents to them. Of consents to chat
channels respond.io knows the last, in custom fields that a workspace makes for it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from perennial.sandbox.respond_io.store import Record
from perennial.sandbox.respond_io.world_messages import channel_records, message_records
from perennial.sandbox.respond_io.world_rows import (
    CHATS,
    Ref,
    Row,
    Tables,
    Users,
    assignment_rows,
    consent_rows,
    conversation_rows,
    event_rows,
    first_seen,
    ids_of_contacts,
    message_rows,
    ref,
    seconds,
)

CAMPAIGN_FIELD = "source_campaign"
OPTED_OUT = "opted_out"


def records(tables: Tables) -> dict[str, list[dict]]:
    """The records of every collection of the sandbox, by collection."""
    conversations, messages = conversation_rows(tables), message_rows(tables)
    taken, said = _grouped(assignment_rows(tables)), _grouped(messages)
    users = Users(assignment_rows(tables), conversations)
    contact_ids = ids_of_contacts(tables)
    held = [
        _conversation(
            each, contact_ids[ref(each)], users, taken[each["conversation_id"]], said[each["conversation_id"]]
        )
        for each in conversations
    ]
    reasons = sorted({each["close_reason"] for each in conversations if each["close_reason"]})
    return {
        "channels": channel_records(),
        "users": users.records(),
        "custom_fields": _custom_fields(),
        "tags": [{"id": 1, "name": OPTED_OUT, "description": "Wants no more messages"}],
        "closing_notes": [{"category": each, "description": ""} for each in reasons],
        "lifecycles": [],
        "contacts": list(_contacts(contact_ids, first_seen(tables), held, consent_rows(tables))),
        "conversations": held,
        "assignments": list(_assignments(conversations, contact_ids, users, taken)),
        "lifecycle_changes": [],
        "messages": message_records(messages, contact_ids, users, taken, event_rows(tables, messages)),
    }


def _grouped(rows: Sequence[Row]) -> dict[str, list[Row]]:
    found = defaultdict(list)
    for each in rows:
        found[each["conversation_id"]].append(each)
    return found


def _conversation(
    row: Row, contact_id: int, users: Users, assignments: Sequence[Row], messages: Sequence[Row]
) -> Record:
    opened, closed, replied = (seconds(row[each]) for each in ("opened_at", "closed_at", "first_human_reply_at"))
    last = max(assignments, key=lambda each: each["assigned_at"], default=None)
    owner = users.assignee(row["owner_id"])
    return {
        "id": f"{contact_id}:{opened}",
        "contactId": contact_id,
        "contactFields": [{"name": CAMPAIGN_FIELD, "value": row["source_campaign"]}] if row["source_campaign"] else [],
        "assigneeId": users.id(row["owner_id"]),
        "openedTime": opened,
        "openedBySource": "ctc_ads" if row["source_campaign"] else "contact",
        "closedTime": closed,
        "closedBy": owner or {},
        "closedBySource": "user" if owner else "workflow",
        "category": row["close_reason"],
        "summary": None,
        "firstResponseTime": None if replied is None else replied - opened,
        "resolutionTime": None if closed is None else closed - opened,
        "incomingMessageCount": sum(each["direction"] == "inbound" for each in messages),
        "outgoingMessageCount": sum(each["direction"] == "outbound" for each in messages),
        "assigneeTeam": last and last["team"],
        "lastAssignmentTime": last and seconds(last["assigned_at"]),
    }


def _assignments(
    conversations: Sequence[Row], contact_ids: Mapping[Ref, int], users: Users, taken: Mapping[str, Sequence[Row]]
) -> Iterator[Record]:
    for conversation in conversations:
        for each in taken[conversation["conversation_id"]]:
            yield {
                "id": each["assignment_id"],
                "contactId": contact_ids[ref(conversation)],
                "assigneeId": users.id(each["owner_id"]),
                "at": seconds(each["assigned_at"]),
            }


def _contacts(
    contact_ids: Mapping[Ref, int],
    first: Mapping[Ref, int],
    conversations: Sequence[Record],
    consents: Sequence[Row],
) -> Iterator[Record]:
    """As they are now: the last conversation says whether it is open and whose it is."""
    latest: dict[int, Record] = {}
    for each in sorted(conversations, key=lambda one: one["openedTime"]):
        latest[each["contactId"]] = each
    allowed: dict[Ref, list[Row]] = defaultdict(list)
    for row in consents:
        allowed[ref(row)].append(row)
    for (kind, value), contact_id in contact_ids.items():
        last: Mapping[str, Any] = latest.get(contact_id, {})
        yield {
            "id": contact_id,
            "firstName": "",
            "lastName": None,
            "phone": value if kind == "phone" else None,
            "email": value if kind == "email" else None,
            "language": None,
            "profilePic": None,
            "countryCode": None,
            "custom_fields": [*last.get("contactFields", []), *_consent_fields(allowed[kind, value])],
            "status": "open" if last and last["closedTime"] is None else "close",
            "tags": [],
            "assignee": last.get("closedBy") or None,
            "lifecycle": None,
            "created_at": first[kind, value],
        }


def _consent_fields(statements: Sequence[Row]) -> list[Record]:
    """What was said last per channel and purpose, and when."""
    last = {(each["channel"], each["purpose"]): each for each in sorted(statements, key=lambda one: one["changed_at"])}
    fields = []
    for (channel, purpose), each in sorted(last.items()):
        name, at = f"{channel}_{purpose}_consent", each["changed_at"].isoformat(timespec="seconds")
        fields += [{"name": name, "value": each["status"]}, {"name": f"{name}_at", "value": f"{at}Z"}]
    return fields


def _custom_fields() -> list[Record]:
    names = [CAMPAIGN_FIELD]
    for channel in CHATS:
        names += [f"{channel}_marketing_consent", f"{channel}_marketing_consent_at"]
    return [
        {"id": position, "name": name, "slug": name, "description": None, "dataType": "text"}
        for position, name in enumerate(names, 1)
    ]
