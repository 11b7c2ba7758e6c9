"""What respond.io tells of: deliveries made of the records held, signed, and sent with the faults of real ones.

What lives here: event bodies, the signature, sending over HTTP. What does not: receiving.

A delivery is signed over its raw body alone: neither the signature nor the envelope holds a time. Only messages and
conversations say in their bodies when they happened, so that for the other events the time of receipt is all there is.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import httpx

from perennial.sandbox.core import Fault
from perennial.sandbox.respond_io.store import MICROSECONDS, Record, Store

SIGNATURE = "X-Webhook-Signature"
EVENTS = (
    "contact.created", "contact.updated", "contact.assignee.updated", "contact.lifecycle.updated",
    "conversation.opened", "conversation.closed", "message.received", "message.sent",
)  # fmt: skip
FAULTS = {
    "webhook_duplicate": "the next delivery is sent twice",
    "webhook_out_of_order": "the next delivery is sent after the one that follows it",
    "webhook_bad_signature": "the next delivery goes out signed with another key first, then as it should",
}
_NAMESPACE = uuid.UUID("6f1c33aa-64a5-5d1b-9a53-0d1f7c0a9a10")
_CLOSING = (
    "category", "summary", "openedTime", "openedBySource", "closedTime", "closedBy", "closedBySource",
    "firstResponseTime", "resolutionTime", "incomingMessageCount", "outgoingMessageCount", "assigneeTeam",
    "lastAssignmentTime",
)  # fmt: skip


@dataclass(frozen=True)
class Delivery:
    """One event for one webhook. `at` is when it happened: the body may not say."""

    event_type: str
    event_id: str
    at: datetime
    body: bytes
    headers: Mapping[str, str]


@dataclass(frozen=True)
class Sent:
    """What a receiver answered to one attempt; no status where it did not answer."""

    event_id: str
    event_type: str
    status: int | None
    fault: str | None = None


def signature(body: bytes, key: str) -> str:
    return base64.b64encode(hmac.new(key.encode(), body, hashlib.sha256).digest()).decode()


def signed(delivery: Delivery, key: str) -> Delivery:
    return replace(delivery, headers={"Content-Type": "application/json", SIGNATURE: signature(delivery.body, key)})


def deliveries(store: Store) -> list[Delivery]:
    """Everything that happened to what is held, unsigned, in the order it happened."""
    found = [*_of_contacts(store), *_of_conversations(store), *_of_messages(store), *_of_other_changes(store)]
    return sorted(found, key=lambda each: (each.at, EVENTS.index(each.event_type), each.event_id))


def _delivery(event_type: str, name: str, at: float, body: Mapping[str, Any]) -> Delivery:
    event_id = str(uuid.uuid5(_NAMESPACE, f"{event_type} {name} {at}"))
    whole = {**body, "event_type": event_type, "event_id": event_id}
    raw = json.dumps(whole, ensure_ascii=False, separators=(",", ":")).encode()
    return Delivery(event_type, event_id, datetime.fromtimestamp(at, UTC), raw, {})


def _of_contacts(store: Store) -> Iterator[Delivery]:
    for number, change in enumerate(store.changes):
        event_type = "contact.created" if change.is_new else "contact.updated"
        yield _delivery(event_type, f"{change.contact['id']} {number}", change.at, {"contact": change.contact})


def _of_conversations(store: Store) -> Iterator[Delivery]:
    for each in store.all("conversations"):
        contact = _contact(store, each, assignee=None, status="open")
        opened = {name: each.get(name) for name in ("openedTime", "openedBySource")}
        name = str(each["id"])
        yield _delivery("conversation.opened", name, each["openedTime"], {"contact": contact, "conversation": opened})
        if each.get("closedTime") is not None:
            closed: Record = {"closedBy": {}, **{name: each.get(name) for name in _CLOSING if name in each}}
            contact = _contact(store, each, assignee=_user(store, each.get("assigneeId")), status="close")
            body = {"contact": contact, "conversation": closed}
            yield _delivery("conversation.closed", name, each["closedTime"], body)


def _of_messages(store: Store) -> Iterator[Delivery]:
    for each in store.all("messages"):
        seconds = each["messageId"] / MICROSECONDS
        event_type = "message.received" if each["traffic"] == "incoming" else "message.sent"
        channel = {"meta": "{}", **store.collections["channels"].get(str(each["channelId"]), {"id": each["channelId"]})}
        body: Record = {
            "contact": _contact(store, each),
            "channel": channel,
            "message": {**each, "timestamp": int(seconds)},
        }
        yield _delivery(event_type, str(each["messageId"]), seconds, body)


def _of_other_changes(store: Store) -> Iterator[Delivery]:
    for each in store.all("assignments"):
        contact = _contact(store, each, assignee=_user(store, each.get("assigneeId")))
        yield _delivery("contact.assignee.updated", str(each["id"]), each["at"], {"contact": contact})
    for each in store.all("lifecycle_changes"):
        body = {
            "contact": _contact(store, each, lifecycle=each["lifecycle"]),
            **{name: each[name] for name in ("lifecycle", "oldLifecycle", "action", "source") if name in each},
        }
        yield _delivery("contact.lifecycle.updated", str(each["id"]), each["at"], body)


def _contact(store: Store, about: Record, **then: Any) -> Record:
    """The contact as the event found it: as it is now, but for what the record knows of then."""
    contact = store.collections["contacts"].get(str(about["contactId"]), {"id": about["contactId"]})
    fields = {"custom_fields": about["contactFields"]} if "contactFields" in about else {}
    return {**contact, **fields, **then}


def _user(store: Store, user_id: int | None) -> Record | None:
    user = store.collections["users"].get(str(user_id))
    return user and {name: user[name] for name in ("id", "firstName", "lastName", "email")}


def send(
    url: str | Callable[[Delivery], str],
    sending: Iterable[Delivery],
    *,
    faults: Iterable[Fault] | Iterable[str] = (),
    before: Callable[[Delivery], None] | None = None,
    timeout: float = 10.0,
) -> list[Sent]:
    """Post deliveries in their order; each fault befalls one of them, in turn. Returns every attempt.

    url: where to, or a function that says it per delivery (the vendor has one webhook per event). before: called with
    each delivery before it goes out, so that a receiver's clock can be set to when it happened.
    """
    waiting = [each.name if isinstance(each, Fault) else str(each) for each in faults]
    attempts: list[Sent] = []
    with httpx.Client(timeout=timeout, trust_env=False) as client:
        for delivery, fault in _spoiled(sending, waiting):
            if before is not None:
                before(delivery)
            target = url if isinstance(url, str) else url(delivery)
            attempts.append(Sent(delivery.event_id, delivery.event_type, _post(client, target, delivery), fault))
    return attempts


def _spoiled(sending: Iterable[Delivery], faults: list[str]) -> Iterator[tuple[Delivery, str | None]]:
    """The deliveries as they go out, each with the fault that befell it."""
    held_back: Delivery | None = None
    for each in sending:
        fault = faults.pop(0) if faults and held_back is None else None
        if fault == "webhook_out_of_order":
            held_back = each
            continue
        if fault == "webhook_bad_signature":
            yield signed(each, "another key"), fault
        yield each, fault if fault == "webhook_duplicate" else None
        if fault == "webhook_duplicate":
            yield each, fault
        if held_back is not None:
            yield held_back, "webhook_out_of_order"
            held_back = None
    if held_back is not None:
        yield held_back, "webhook_out_of_order"


def _post(client: httpx.Client, url: str, delivery: Delivery) -> int | None:
    try:
        return client.post(url, content=delivery.body, headers=dict(delivery.headers)).status_code
    except httpx.TransportError:
        return None
