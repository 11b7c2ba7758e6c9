"""Omnisend's API of version 2026-03-15 over its own records: contacts, campaigns and automations, read only.

What lives here: routes, authentication, the version, the rate, faults. What does not: parameters and cursors
(query.py), choosing (lists.py), the fields of a record (shapes.py), the demo world (world.py).

How a test makes things happen, all through seed():
    an update     the record again with a later updatedAt
    unsubscribed  the contact again with a later updatedAt, its identifier's channel "unsubscribed" at statusChangedAt
    deleted       {"id": "…", "_gone": true}: no list shows it, and asked for by id it is 404. Omnisend tells nobody
Contacts are not merged. Omnisend has no list of messages or events: events can be sent, not read. Batches are not
played. Unknown there, decided here: a request without a version is 400, one with a version that never was too; `…From`
is inclusive, `…To` is not; a cursor holds its page size, which `limit` beside it changes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from math import ceil
from typing import Any
from uuid import UUID

from perennial.sandbox.core import PAGE_FAULTS, Answer, Asked, Window, moment
from perennial.sandbox.omnisend import lists, shapes
from perennial.sandbox.omnisend.query import Refused, invalid, read
from perennial.sandbox.omnisend.shapes import Record

VERSION = "2026-03-15"
REQUESTS_PER_MINUTE = 400  # per brand
_ROUTE = re.compile(r"/api/(contacts|campaigns|automations)(?:/([^/]+))?")


class OmnisendApi:
    """One brand. `retired` are versions that are gone; a fault can retire the current one."""

    name = "omnisend"
    faults: Mapping[str, str] = {
        "rate_limited": "answers 429 with `retry_after` seconds in the body (default 1; null: none) and in no header",
        "version_retired": "answers 410, as where the version of the request is gone",
        "cursor_rejected": "answers 400 for the cursor, as where filters changed or the cursor has become invalid",
        **PAGE_FAULTS,
    }

    def __init__(
        self,
        token: str = "sandbox-omnisend-token",
        *,
        versions: Sequence[str] = (VERSION,),
        retired: Sequence[str] = ("2025-06-01",),
        limits: float = 1.0,
    ) -> None:
        self._token, self._versions, self._retired = token, tuple(versions), tuple(retired)
        self._window = Window(max(int(REQUESTS_PER_MINUTE * limits), 1), 60)
        self._held: dict[str, dict[str, Record]] = {name: {} for name in shapes.TEMPLATES}
        self._chosen: dict[tuple[Any, ...], lists.Chosen] = {}
        self._answered = 0

    def handle(self, asked: Asked) -> Answer:
        self._answered += 1
        try:
            self._admit(asked)
            return self._route(asked)
        except Limited as limited:
            hint = {} if limited.retry_after is None else {"retryAfter": limited.retry_after}
            return Answer(429, {**limited.body(self._instance()), **hint})
        except Refused as refused:
            return Answer(refused.status, refused.body(self._instance()))

    def seed(self, collection: str, records: Sequence[Mapping[str, Any]]) -> int:
        if collection not in self._held:
            raise ValueError(f"omnisend has no collection {collection!r}; it has {', '.join(self._held)}")
        held = self._held[collection]
        self._chosen.clear()
        for record in records:
            if record.get("_gone"):
                held.pop(str(record["id"]), None)
                continue
            whole = shapes.complete(collection, record)
            present = held.get(whole["id"])
            if present is None or moment(whole["updatedAt"]) >= moment(present["updatedAt"]):
                held[whole["id"]] = whole
        return len(held)

    def held(self) -> Mapping[str, Mapping[str, Mapping[str, Any]]]:
        return self._held

    def _admit(self, asked: Asked) -> None:
        """The key, the version, the rate: in this order."""
        if asked.headers.get("authorization") != f"Omnisend-API-Key {self._token}":
            raise Refused(401, "unauthorized", "Unauthorized", "Authentication is missing or invalid.")
        version = asked.headers.get("omnisend-version", "")
        if version in self._retired or asked.has_fault("version_retired"):
            raise Refused(410, "version-retired", "Gone", "This API version has been retired.")
        if version not in self._versions:
            code = "invalid" if version else "required"
            raise invalid(("Omnisend-Version", code, "Must name an API version"))
        if asked.fault is not None and asked.has_fault("rate_limited"):
            raise Limited(asked.fault.options.get("retry_after", 1))
        self._count(asked.now)

    def _count(self, now: datetime) -> None:
        wait = self._window.take(now)
        if wait is not None:
            raise Limited(ceil(wait))

    def _route(self, asked: Asked) -> Answer:
        match = _ROUTE.fullmatch(asked.path)
        if match is None:
            raise Refused(404, "not-found", "Not found", "There is no such resource.")
        if asked.method != "GET":
            raise Refused(403, "forbidden", "Forbidden", "The key may read only.")
        collection, record_id = match.groups()
        return self._one(collection, record_id) if record_id else self._list(asked, collection)

    def _one(self, collection: str, record_id: str) -> Answer:
        record = self._held[collection].get(record_id)
        if record is None:
            raise Refused(404, "not-found", "Not found", "There is no such resource.")
        return Answer(200, record, records=1, ids=[record_id])

    def _list(self, asked: Asked, collection: str) -> Answer:
        wanted = read(collection, asked.query)
        if asked.has_fault("cursor_rejected"):
            raise invalid(("after", "changed", "Differs from the cursor"))
        key = (collection, *wanted.same_list)
        if key not in self._chosen:
            self._chosen[key] = lists.choose(self._held[collection].values(), wanted)
        rows, paging = lists.cut(self._chosen[key], wanted, asked.fault)
        ids = [str(record["id"]) for record in rows]
        return Answer(200, {collection: list(rows), "paging": paging}, records=len(rows), ids=ids)

    def _instance(self) -> str:
        return f"urn:omnisend:request:{UUID(int=self._answered)}"


class Limited(Refused):
    """Too many requests; the hint stands in the body, sometimes not at all."""

    def __init__(self, retry_after: int | None) -> None:
        super().__init__(429, "rate-limit-exceeded", "Rate limit exceeded", "Too many requests.")
        self.retry_after = retry_after
