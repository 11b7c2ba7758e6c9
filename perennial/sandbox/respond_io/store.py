"""What the respond.io sandbox holds, in the shapes its API hands out, and what happened to it.

What lives here: the collections, seeding, deletion and merging, the contact that an identifier names. What does not:
HTTP (api.py) and the deliveries made of it (webhooks.py).

Keys of a record that begin with "_" tell the sandbox something and are never handed out:
    _changed_at     when this happened, in seconds since 1970 (default: now); older than what is held: passed over
    _deleted        the contact was deleted: gone from lists, 404 by id. The vendor tells nobody
    _merged_into    the contact was merged into the one of this id: its messages and conversations are that one's now
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from perennial.sandbox.core import now

Record = dict[str, Any]
# collection → the key its records are held by. The API hands out the first group; of the second it only sends webhooks.
KEYS = {
    "contacts": "id",
    "messages": "messageId",
    "users": "id",
    "channels": "id",
    "custom_fields": "id",
    "tags": "id",
    "closing_notes": "category",
    "lifecycles": "name",
    "conversations": "id",
    "assignments": "id",
    "lifecycle_changes": "id",
}
MICROSECONDS = 1_000_000


@dataclass(frozen=True)
class Change:
    """A contact was made (no record before) or changed."""

    contact: Record
    at: float
    is_new: bool


@dataclass
class Store:
    """The records by collection and id. `changes` is the history of the contacts, oldest first."""

    collections: dict[str, dict[str, Record]] = field(default_factory=lambda: {name: {} for name in KEYS})
    changes: list[Change] = field(default_factory=list)
    _changed_at: dict[tuple[str, str], float] = field(default_factory=dict)
    _contact_ids: list[int] = field(default_factory=list)
    _in_order: list[Record] | None = None  # the contacts by id, until one changes
    _messages: dict[int, list[int]] = field(default_factory=dict)  # contact → message ids, oldest first
    _newest_first: dict[int, list[Record]] = field(default_factory=dict)  # contact → its messages, until one changes

    def seed(self, collection: str, records: Sequence[Mapping[str, Any]]) -> int:
        if collection not in KEYS:
            raise ValueError(f"respond_io holds no {collection}; it holds {', '.join(KEYS)}")
        for each in records:
            self._put(collection, each)
        return len(self.collections[collection])

    def _put(self, collection: str, given: Mapping[str, Any]) -> None:
        name = str(given[KEYS[collection]])
        at, before = given.get("_changed_at"), self._changed_at.get((collection, name))
        if at is not None and before is not None and at < before:
            return
        record = {key: value for key, value in given.items() if not key.startswith("_")}
        if at is not None:
            self._changed_at[collection, name] = at
        moment = now().timestamp() if at is None else float(at)
        if collection == "contacts":
            self._put_contact(name, record, given, moment)
            return
        if collection == "messages":
            self._newest_first.pop(record["contactId"], None)
            if name not in self.collections["messages"]:
                insort(self._messages.setdefault(record["contactId"], []), record["messageId"])
        self.collections[collection][name] = record

    def _put_contact(self, name: str, record: Record, given: Mapping[str, Any], moment: float) -> None:
        held = self.collections["contacts"]
        self._in_order = None
        if given.get("_deleted") or given.get("_merged_into"):
            if held.pop(name, None) is not None:
                self._contact_ids.remove(int(name))
            if given.get("_merged_into"):
                self._move(int(name), int(given["_merged_into"]))
            return
        is_new = name not in held
        if is_new:
            insort(self._contact_ids, int(name))
        held[name] = record
        self.changes.append(Change(record, record["created_at"] if is_new else moment, is_new))

    def _move(self, gone: int, kept: int) -> None:
        self._newest_first.clear()
        for message_id in self._messages.pop(gone, []):
            self.collections["messages"][str(message_id)]["contactId"] = kept
            insort(self._messages.setdefault(kept, []), message_id)
        for collection in ("conversations", "assignments", "lifecycle_changes"):
            for record in self.collections[collection].values():
                if record["contactId"] == gone:
                    record["contactId"] = kept

    def all(self, collection: str) -> list[Record]:
        """A collection's records; contacts by id, the rest as they were seeded."""
        held = self.collections[collection]
        if collection == "contacts":
            if self._in_order is None:
                self._in_order = [held[str(each)] for each in self._contact_ids]
            return self._in_order
        return list(held.values())

    def messages_of(self, contact_id: int) -> list[Record]:
        """A contact's messages, the newest first, as the vendor lists them."""
        if contact_id not in self._newest_first:
            held = self.collections["messages"]
            self._newest_first[contact_id] = [held[str(each)] for each in reversed(self._messages.get(contact_id, []))]
        return self._newest_first[contact_id]

    def contact(self, identifier: str) -> Record | None:
        """The contact behind `id:…`, `email:…` or `phone:…`."""
        kind, _, value = identifier.partition(":")
        if kind == "id":
            return self.collections["contacts"].get(value)
        if not value or kind not in ("email", "phone"):
            return None
        return next((each for each in self.all("contacts") if each.get(kind) == value), None)

    def channels_of(self, contact_id: int) -> list[Record]:
        """The channels a contact wrote or was written to over, with the last times in milliseconds."""
        found: dict[int, Record] = {}
        for message in reversed(self.messages_of(contact_id)):
            channel = self.collections["channels"].get(str(message["channelId"]))
            if channel is None:
                continue
            at = message["messageId"] // 1000
            entry = found.setdefault(
                message["channelId"],
                {**channel, "meta": {}, "lastIncomingMessageTime": None, "created_at": at // 1000},
            )
            entry["lastMessageTime"] = at
            if message["traffic"] == "incoming":
                entry["lastIncomingMessageTime"] = at
        return list(found.values())
