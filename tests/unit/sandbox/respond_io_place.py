"""A respond.io over real HTTP for tests: somebody who asks, and a few records.

What lives here: no test.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from perennial.sandbox.respond_io.api import TOKEN, RespondIoApi
from perennial.sandbox.server import Sandbox, running

ANYBODY = {"search": "", "timezone": "UTC", "filter": {"$and": []}}
SIGNED_IN = {"Authorization": f"Bearer {TOKEN}"}
OPENED = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)


@dataclass
class Clock:
    """Time that moves when it is told to."""

    at: datetime = datetime(2026, 6, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.at


@dataclass
class Place:
    sandbox: Sandbox
    api: RespondIoApi
    clock: Clock
    client: httpx.Client

    def listed(self, **params: Any) -> dict[str, Any]:
        return self.client.post("/v2/contact/list", params=params, json=ANYBODY).json()

    def walk(self, answer: dict[str, Any], *, posts: bool) -> list[dict[str, Any]]:
        """Every item from this page on, by the links."""
        items = list(answer["items"])
        while answer["pagination"]["next"]:
            self.clock.at += timedelta(seconds=1)
            url = answer["pagination"]["next"]
            answer = (self.client.post(url, json=ANYBODY) if posts else self.client.get(url)).json()
            items += answer["items"]
        return items


@contextmanager
def serving() -> Iterator[tuple[str, Sandbox]]:
    """A server for many workspaces, one after the other."""
    sandbox = Sandbox([], Clock())
    with running(sandbox.app()) as root:
        yield root, sandbox


@contextmanager
def workspace(root: str, sandbox: Sandbox) -> Iterator[Place]:
    """An empty workspace on that server, and somebody who asks."""
    clock, api = Clock(), RespondIoApi()
    sandbox.vendors, sandbox.clock = {api.name: api}, clock
    sandbox.faults.disarm()
    sandbox.journal.entries.clear()
    with httpx.Client(base_url=f"{root}/respond_io", headers=SIGNED_IN, trust_env=False) as client:
        yield Place(sandbox, api, clock, client)


def contact(number: int, **more: Any) -> dict[str, Any]:
    return {
        "id": number, "firstName": f"First {number}", "lastName": None, "phone": f"+1415555{number:04d}",
        "email": f"person{number}@example.com", "language": None, "profilePic": None, "countryCode": "US",
        "custom_fields": [], "status": "close", "tags": [], "assignee": None, "lifecycle": None,
        "created_at": 1_700_000_000 + number, **more,
    }  # fmt: skip


def message(message_id: int, contact_id: int = 1, **more: Any) -> dict[str, Any]:
    return {
        "messageId": message_id, "channelMessageId": f"c{message_id}", "contactId": contact_id, "channelId": 7,
        "traffic": "incoming", "message": {"type": "text", "text": "Hello"}, "sender": {"source": "contact"},
        "replyTo": None, "status": [], **more,
    }  # fmt: skip


def code(answer: httpx.Response) -> tuple[int, dict[str, Any]]:
    return answer.status_code, answer.json()
