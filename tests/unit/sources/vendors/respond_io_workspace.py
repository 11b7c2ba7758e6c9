"""A respond.io workspace behind a home that lands from it: its records, what happens to them, and what must be landed.

What lives here: no test.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from perennial.sandbox.core import Answer, Asked
from perennial.sandbox.respond_io.api import RespondIoApi
from perennial.sandbox.respond_io.webhooks import send
from perennial.sandbox.server import running
from perennial.sources.inbound import Hook, receiver
from perennial.sources.inbox import inbox_of
from tests.support.vendor import NOW, SOURCE, VendorWorld, vendor_world

WHATSAPP, TELEGRAM = 7, 8
CONTACTS, MESSAGES = "contact/list", "message/list"


def micros(at: datetime) -> int:
    return int(at.timestamp()) * 1_000_000


LONG_AGO, RECENTLY = NOW - timedelta(days=60), NOW - timedelta(days=1)


def contact(number: int, **more: Any) -> dict[str, Any]:
    return {
        "id": number, "firstName": f"First {number}", "lastName": None, "phone": f"+1415555{number:04d}",
        "email": f"canary-{number}@leak.test", "language": None, "profilePic": None, "countryCode": "US",
        "custom_fields": [{"name": "plan", "value": "gold"}], "status": "close", "tags": ["vip"], "assignee": None,
        "lifecycle": "Lead", "created_at": int((LONG_AGO + timedelta(minutes=number)).timestamp()), **more,
    }  # fmt: skip


def message(message_id: int, contact_id: int, traffic: str = "outgoing", **more: Any) -> dict[str, Any]:
    status = [{"value": "sent", "timestamp": message_id // 1000 + 500}] if traffic == "outgoing" else []
    return {
        "messageId": message_id, "channelMessageId": f"wamid.{message_id}", "contactId": contact_id,
        "channelId": WHATSAPP, "traffic": traffic, "message": {"type": "text", "text": "canary-text@leak.test"},
        "sender": {"source": "user", "userId": 480_001, "teamId": 1, "workflowId": None, "broadcastHistoryId": None},
        "replyTo": None, "status": status, **more,
    }  # fmt: skip


def fill(api: RespondIoApi, contacts: int = 6, messages: int = 4) -> None:
    """Contacts with messages long ago and recently; the last contact has none."""
    api.seed("channels", [
        {"id": number, "name": f"Shop {number}", "source": source, "created_at": 1_577_836_800}
        for number, source in ((WHATSAPP, "whatsapp_cloud"), (TELEGRAM, "telegram"), (9, "webchat"))
    ])  # fmt: skip
    api.seed("users", [
        {"id": 480_001, "firstName": "User", "lastName": "1", "email": "canary-user@leak.test", "role": "agent",
         "team": {"id": 1, "name": "front desk"}, "restrictions": []},
        {"id": 480_002, "firstName": "User", "lastName": "2", "email": "canary-user2@leak.test", "role": "owner",
         "team": None, "restrictions": []},
    ])  # fmt: skip
    api.seed("contacts", [contact(number) for number in range(1, contacts + 1)])
    for number in range(1, contacts):
        for place in range(messages):
            at = micros(LONG_AGO if place < messages // 2 else RECENTLY) + 1000 * number + place
            api.seed("messages", [message(at, number, "incoming" if place % 2 else "outgoing")])


@contextmanager
def world(root: Path, api: RespondIoApi | None = None, **source: Any) -> Iterator[VendorWorld]:
    with vendor_world(root, api or RespondIoApi(limits=1e6), **{"page_size": 4, **source}) as found:
        yield found


def api_of(found: VendorWorld) -> RespondIoApi:
    assert isinstance(found.vendor, RespondIoApi)
    return found.vendor


def assert_all_landed(found: VendorWorld) -> None:
    """What is in force in landing is what the vendor holds, each once."""
    held = api_of(found).held()
    landed = {key: row for key, row in found.newest("contacts", "contact_id").items() if not row["is_deleted"]}
    assert {key: (row["email"], row["lifecycle"], row["tags"]) for key, row in landed.items()} == {
        key: (row["email"], row["lifecycle"], json.dumps(row["tags"], separators=(",", ":")) if row["tags"] else None)
        for key, row in held["contacts"].items()
    }
    messages = found.newest("messages", "message_id")
    assert {key: (row["contact_id"], row["sender"]) for key, row in messages.items()} == {
        key: (str(row["contactId"]), row["sender"]["source"]) for key, row in held["messages"].items()
    }
    statuses = {(row["message_id"], row["status"]) for row in found.rows("message_statuses")}
    assert statuses == {(key, each["value"]) for key, row in held["messages"].items() for each in row["status"]}
    assert set(found.newest("channels", "channel_id")) == set(held["channels"])
    assert set(found.newest("users", "user_id")) == set(held["users"])
    # lines are replaced with their parent: once in each load that brought it
    keys = {"contacts": "contact_id", "messages": "message_id", "deliveries": "(event_id, received_at)"}
    lines = {"message_statuses": "(message_id, status, load_id)", "contact_fields": "(contact_id, name, load_id)"}
    assert {table: found.duplicates(table, key) for table, key in {**keys, **lines}.items()} == dict.fromkeys(
        {**keys, **lines}, 0
    )


def asked_for(found: VendorWorld, part: str) -> list[str]:
    """The paths with this part that the vendor was asked for, in their order."""
    return [each.path for each in found.sandbox.journal.of("respond_io") if part in each.path]


def told(found: VendorWorld, **options: Any) -> list[int | None]:
    """Have the vendor tell its webhooks; returns the statuses that the receiver answered."""
    clock: list[datetime] = [NOW]
    hooks = {f"{SOURCE}/all": Hook("respond_io", api_of(found).signing_key("any"))}
    app = receiver(inbox_of(found.home), hooks, clock=lambda: clock[-1])
    with running(app) as root:
        sent = send(
            f"{root}/{SOURCE}/all", list(api_of(found).webhooks()), before=lambda each: clock.append(each.at), **options
        )
    return [each.status for each in sent]


def chatter(api: RespondIoApi, count: int = 25) -> None:
    """So many recent messages that a night need not look further back to see enough of what is held."""
    api.seed("messages", [message(micros(RECENTLY) + 100_000 + number, 5) for number in range(count)])


class Moving(RespondIoApi):
    """A workspace in which something happens after every request that is answered."""

    def __init__(self, happen: Callable[[RespondIoApi, int], None], after: str) -> None:
        super().__init__(limits=1e6)
        self._happen, self._after, self._count = happen, after, 0

    def handle(self, asked: Asked) -> Answer:
        answer = super().handle(asked)
        if self._after in asked.path:
            self._count += 1
            self._happen(self, self._count)
        return answer


def happened(api: RespondIoApi) -> None:
    """A conversation of contact 1, given away, closed; a stage changed."""
    at = int(RECENTLY.timestamp())
    api.seed("conversations", [{
        "id": "1", "contactId": 1, "openedTime": at, "openedBySource": "ctc_ads", "closedTime": at + 600,
        "closedBySource": "user", "category": "solved", "assigneeId": 480_001, "assigneeTeam": "specialists",
        "firstResponseTime": 30, "lastAssignmentTime": at + 60,
        "contactFields": [{"name": "source_campaign", "value": "spring"}, {"name": "age", "value": 7}],
    }])  # fmt: skip
    api.seed("assignments", [{"id": "a1", "contactId": 1, "assigneeId": 480_001, "at": at + 60}])
    change = {
        "lifecycle": {"id": 5, "name": "Customer"},
        "oldLifecycle": "Lead",
        "action": "updated",
        "source": "workflow",
    }
    api.seed("lifecycle_changes", [{"id": "l1", "contactId": 1, "at": at + 700, **change}])
