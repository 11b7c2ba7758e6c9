"""respond.io's Developer API v2 as a sandbox: contacts, their messages and channels, and what a workspace consists of.

What lives here: the wire contract and its faults. What does not: the records (store.py), the contact list's filter
(filters.py), webhooks going out (webhooks.py), the demo world in this shape (world.py).

Conversations, assignments and lifecycle changes cannot be asked for: webhooks alone tell of them. A deleted or merged
contact is gone without a word; store.py says how a test does that through seed().
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import unquote, urlencode

from perennial.sandbox.core import PAGE_FAULTS, Answer, Asked, Fault, Window, page
from perennial.sandbox.respond_io import filters
from perennial.sandbox.respond_io.store import Store
from perennial.sandbox.respond_io.webhooks import FAULTS as WEBHOOK_FAULTS
from perennial.sandbox.respond_io.webhooks import Delivery, deliveries, signed

TOKEN = "sandbox-respond_io-token"
SIGNING_KEY = "sandbox-respond_io-signing-key"
PREFIX = "/v2/"
PER_SECOND = 5  # requests per call and second
PAGE_SIZE, LARGEST_PAGE = 10, 100
_SPACE = {
    "user": "users",
    "channel": "channels",
    "custom_field": "custom_fields",
    "tag": "tags",
    "closing_notes": "closing_notes",
}


class RespondIoApi:
    """One workspace. `signing_keys`: event type → key of its webhook; the others are signed with `signing_key`."""

    name = "respond_io"
    faults: Mapping[str, str] = {
        "too_many_requests": "answers 429 with Retry-After of `seconds` (default 1)",
        "request_queued": "answers 449: the request waits, ask again",
        "unknown_lifecycle": "answers 404: the workspace has no such lifecycle stage",
        **PAGE_FAULTS,
        **WEBHOOK_FAULTS,
    }

    def __init__(
        self,
        token: str = TOKEN,
        *,
        limits: float = 1.0,
        signing_key: str = SIGNING_KEY,
        signing_keys: Mapping[str, str] | None = None,
    ) -> None:
        self.store = Store()
        self.webhook_faults: list[Fault] = []  # armed, waiting for the next send
        self._token = token
        self._limit = max(1, int(PER_SECOND * limits))
        self._windows: dict[str, Window] = {}
        self._signing_key, self._signing_keys = signing_key, dict(signing_keys or {})

    def seed(self, collection: str, records: Sequence[Mapping[str, Any]]) -> int:
        return self.store.seed(collection, records)

    def held(self) -> Mapping[str, Mapping[str, Mapping[str, Any]]]:
        return self.store.collections

    def webhooks(
        self,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        events: Collection[str] | None = None,
    ) -> Iterator[Delivery]:
        """Signed deliveries of what happened from `since` and before `until`, in the order it happened."""
        for each in deliveries(self.store):
            if (since and each.at < since) or (until and each.at >= until):
                continue
            if events is None or each.event_type in events:
                yield signed(each, self.signing_key(each.event_type))

    def signing_key(self, event_type: str) -> str:
        """The key of the webhook that tells of this event."""
        return self._signing_keys.get(event_type, self._signing_key)

    def handle(self, asked: Asked) -> Answer:
        if asked.headers.get("authorization") != f"Bearer {self._token}":
            return _refusal(401, "Unauthorized")
        if asked.fault is not None and asked.fault.name in WEBHOOK_FAULTS:
            self.webhook_faults.append(asked.fault)  # nothing a request can meet
        found = self._route(asked)
        if found is None:
            return _refusal(404, "Not found")
        call, answer = found
        window = self._windows.setdefault(call, Window(self._limit, 1.0))
        wait = window.take(asked.now)
        headers = {"X-RateLimit-Limit": str(window.limit), "X-RateLimit-Remaining": str(window.remaining)}
        if asked.has_fault("too_many_requests"):
            wait = float(asked.fault.options.get("seconds", 1)) if asked.fault else 1.0
        if wait is not None:
            refused = {**headers, "X-RateLimit-Remaining": "0", "Retry-After": str(math.ceil(wait))}
            return _refusal(429, "Too many requests", refused)
        if asked.has_fault("request_queued"):
            return _refusal(449, "Request queued. Please retry in a few minutes", headers)
        given = _refusal(404, "Lifecycle not found") if asked.has_fault("unknown_lifecycle") else answer()
        return Answer(given.status, given.content, {**headers, **given.headers}, records=given.records, ids=given.ids)

    def _route(self, asked: Asked) -> tuple[str, Callable[[], Answer]] | None:
        """The name of the call, which has a rate of its own, and what answers it."""
        if not asked.path.startswith(PREFIX):
            return None
        parts = [unquote(each) for each in asked.path.removeprefix(PREFIX).split("/")]
        match (asked.method, parts):
            case ("POST", ["contact", "list"]):
                return "contact/list", lambda: self._contacts(asked)
            case ("GET", ["contact", identifier]):
                return "contact", lambda: self._of_contact(identifier, lambda contact: _one(contact, contact["id"]))
            case ("GET", ["contact", identifier, "channels"]):
                return "contact/channels", lambda: self._of_contact(
                    identifier, lambda contact: self._channels(asked, contact["id"])
                )
            case ("GET", ["contact", identifier, "message", "list"]):
                return "contact/message/list", lambda: self._of_contact(
                    identifier, lambda contact: self._messages(asked, contact["id"])
                )
            case ("GET", ["contact", identifier, "message", message_id]):
                return "contact/message", lambda: self._of_contact(
                    identifier, lambda contact: self._message(contact["id"], message_id)
                )
            case ("POST", ["contact", identifier, "lifecycle", "update"]):
                return "contact/lifecycle/update", lambda: self._of_contact(
                    identifier, lambda contact: self._set_lifecycle(asked, contact)
                )
            case ("GET", ["space", what]) if what in _SPACE:
                collection = _SPACE[what]
                key = "category" if what == "closing_notes" else "id"
                return f"space/{what}", lambda: self._listed(asked, self._space(collection), key)
        return None

    def _space(self, collection: str) -> list[dict[str, Any]]:
        return sorted(self.store.all(collection), key=lambda each: each.get("id", 0))

    def _of_contact(self, identifier: str, answer: Callable[[dict[str, Any]], Answer]) -> Answer:
        if identifier.partition(":")[0] not in ("id", "email", "phone"):
            return _refusal(400, "Invalid identifier")
        contact = self.store.contact(identifier)
        return _refusal(404, "Contact not found") if contact is None else answer(contact)

    def _contacts(self, asked: Asked) -> Answer:
        try:
            body = _json(asked)
            passes = filters.wanted(body, self.store.collections["lifecycles"])
        except filters.Refused as error:
            return _refusal(400, f"Validation error: {error}")
        except filters.UnknownLifecycle:
            return _refusal(404, "Lifecycle not found")
        contacts = self.store.all("contacts")
        return self._listed(asked, contacts if passes is None else list(filter(passes, contacts)), "id")

    def _messages(self, asked: Asked, contact_id: int) -> Answer:
        return self._listed(asked, self.store.messages_of(contact_id), "messageId", descending=True)

    def _channels(self, asked: Asked, contact_id: int) -> Answer:
        return self._listed(asked, sorted(self.store.channels_of(contact_id), key=lambda each: each["id"]), "id")

    def _message(self, contact_id: int, message_id: str) -> Answer:
        message = self.store.collections["messages"].get(message_id)
        if message is None or message["contactId"] != contact_id:
            return _refusal(404, "Message not found")
        return _one(message, message["messageId"])

    def _set_lifecycle(self, asked: Asked, contact: dict[str, Any]) -> Answer:
        """Name a contact's stage, or none. A change is one that webhooks tell of."""
        try:
            body = _json(asked)
        except filters.Refused as error:
            return _refusal(400, f"Validation error: {error}")
        if not isinstance(body, dict) or "name" not in body:
            return _refusal(400, "Validation error: name should not be empty")
        if body["name"] is not None and body["name"] not in self.store.collections["lifecycles"]:
            return _refusal(404, "Lifecycle not found")
        at, before = asked.now.timestamp(), contact.get("lifecycle")
        change = {"contactId": contact["id"], "lifecycle": body["name"], "oldLifecycle": before, "at": at}
        number = len(self.store.collections["lifecycle_changes"]) + 1
        self.seed("lifecycle_changes", [{"id": f"api-{number}", "action": "updated", **change}])
        self.seed("contacts", [{**contact, "lifecycle": body["name"], "_changed_at": at}])
        return Answer(200, {"code": 200, "message": "Contact lifecycle updated"})

    def _listed(
        self, asked: Asked, records: Sequence[Mapping[str, Any]], key: str, *, descending: bool = False
    ) -> Answer:
        """One page. A cursor is the id the page before ended with; a negative one asks for the page before that id."""
        try:
            size = _whole(asked.params.get("limit"), PAGE_SIZE)
            cursor = _whole(asked.params.get("cursorId"), 0)
        except ValueError:
            return _refusal(400, "Validation error: limit and cursorId must be integers")
        if not 1 <= size <= LARGEST_PAGE:
            return _refusal(400, f"Validation error: limit must be between 1 and {LARGEST_PAGE}")
        start = _after(records, key, cursor, descending) if cursor > 0 else 0
        if cursor < 0:
            start = max(_after(records, key, -cursor, descending) - 1 - size, 0)
        cut = page(records, start, size, asked.fault)
        following = None if cut.next_start is None else _cursor(records, key, cut.next_start - 1)
        content = {
            "items": list(cut.items),
            "pagination": {
                "next": None if following is None else _link(asked, size, following),
                "previous": _link(asked, size, -_cursor(records, key, start)) if 0 < start < len(records) else None,
            },
        }
        ids = [str(each[key]) for each in cut.items]
        return Answer(200, content, records=len(ids), ids=ids)


def _after(records: Sequence[Mapping[str, Any]], key: str, cursor: int, descending: bool) -> int:
    """How many records stand before the cursor, the one it names among them."""
    if key == "category":  # closing notes have no number: their cursor is their position
        return min(cursor, len(records))
    if descending:
        return bisect_right(records, -cursor, key=lambda each: -each[key])
    return bisect_right(records, cursor, key=lambda each: each[key])


def _cursor(records: Sequence[Mapping[str, Any]], key: str, position: int) -> int:
    """The cursor that names the record at a position; 0 before the first."""
    if position < 0:
        return 0
    return position + 1 if key == "category" else int(records[position][key])


def _link(asked: Asked, size: int, cursor: int) -> str:
    return f"{asked.base_url}{asked.path}?{urlencode({'limit': size, 'cursorId': cursor})}"


def _json(asked: Asked) -> Any:
    if asked.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        raise filters.Refused("the body must be application/json")
    try:
        return asked.json()
    except (ValueError, RecursionError) as error:
        raise filters.Refused("the body is no JSON") from error


def _whole(text: str | None, default: int) -> int:
    return default if text is None else int(text)


def _one(record: Mapping[str, Any], number: int) -> Answer:
    return Answer(200, dict(record), records=1, ids=[str(number)])


def _refusal(status: int, message: str, headers: Mapping[str, str] | None = None) -> Answer:
    return Answer(status, {"code": status, "message": message}, headers or {})
