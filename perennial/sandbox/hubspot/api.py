"""The HubSpot sandbox: authentication, rate windows, faults and routes of CRM and communication-preferences reads.

What lives here: HubspotApi. What does not: the reads themselves (objects.py, search.py, preferences.py), the demo world
(world.py), anything that writes through the API.

Collections for seed(), in the wire shape and with every property (an answer cuts them down to what was asked for):
    contacts, companies, deals, meetings, communications, calls, emails, notes, tasks
                  {id, properties, propertiesWithHistory?, createdAt, updatedAt, associations?}. A newer updatedAt is an
                  update (nothing newer is lost to an older one); the same id with `archived: true, archivedAt` is a
                  deletion, from then on in `archived=true` lists only.
    merges        {id, primaryObjectId, objectIdToMerge, timestamp}: plays the merge of two contacts: the loser is gone,
                  its id stands in the winner's hs_merged_object_ids, its links are the winner's. A contact that is
                  seeded with hs_merged_object_ids and its losers beside it is a merge whose losers still stand.
    definitions   subscription types {id, name, purpose, communicationMethod, isActive …}
    statuses      {subscriberIdString, subscriptionId, channel, status, source, timestamp, legalBasis?}
    properties    definitions that say more than a name {id: "<type>/<name>", name, label, type, options: [{value}]}
    pipelines     of deals {id, label, displayOrder, stages: [{id, label, displayOrder, metadata}]}
    owners        {id, email, firstName, lastName, userId}
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from perennial.sandbox.core import PAGE_FAULTS, Answer, Asked, Window, page
from perennial.sandbox.hubspot import objects
from perennial.sandbox.hubspot.bodies import limit_of
from perennial.sandbox.hubspot.errors import Refused, error, not_authenticated, not_found, played, rate_limited, refuse
from perennial.sandbox.hubspot.preferences import Preferences
from perennial.sandbox.hubspot.schema import OBJECT_TYPES, object_type, property_type, resolve
from perennial.sandbox.hubspot.search import Search
from perennial.sandbox.hubspot.store import Store

PER_TEN_SECONDS, SEARCHES_PER_SECOND, PER_DAY = 190, 5, 650_000
OWNERS_MAX = 500
FAULTS = {
    "ten_secondly": "429, policy TEN_SECONDLY_ROLLING, without Retry-After",
    "secondly": "429, policy SECONDLY, as a search answers it",
    "daily": "429, policy DAILY: nothing more today",
    "mixed_207": "a batch read answers 207: every second input failed; `category` (default INTERNAL_ERROR)",
    "stale_index": "a search leaves out the `records` (default 10) that were changed last",
    "locked": "423",
    "migrating": "477 with Retry-After of `seconds` (default 2)",
    "missing_scopes": "403; `scopes`",
    "invalid_authentication": "401",
}


class HubspotApi:
    """One HubSpot account. `partly` is the status of a batch in which some inputs failed: HubSpot's newest
    description of 2026-09 lists 200 alone, its v3 207; both are seen."""

    name = "hubspot"
    faults: Mapping[str, str] = {**FAULTS, **PAGE_FAULTS}

    def __init__(self, token: str = "sandbox-hubspot-token", *, limits: float = 1.0, partly: int = 207) -> None:
        self._token, self._partly = token, partly
        self._rolling = Window(max(int(PER_TEN_SECONDS * limits), 1), 10)
        self._searching = Window(max(int(SEARCHES_PER_SECOND * limits), 1), 1)
        self._daily = Window(max(int(PER_DAY * limits), 1), 86_400)
        self._store, self._preferences = Store(), Preferences()
        self._search = Search(self._store)
        self._merges: dict[str, dict[str, Any]] = {}
        self._pipelines: dict[str, dict[str, Any]] = {}
        self._owners: dict[str, dict[str, Any]] = {}
        self._properties: dict[str, dict[str, Any]] = {}

    # the sandbox's side

    def seed(self, collection: str, records: Sequence[Mapping[str, Any]]) -> int:
        if collection in OBJECT_TYPES:
            return self._store.put(collection, records)
        if collection == "definitions":
            return self._preferences.put_definitions(records)
        if collection == "statuses":
            return self._preferences.put_statuses(records)
        if collection == "merges":
            return self._merge(records)
        plain = {"pipelines": self._pipelines, "owners": self._owners, "properties": self._properties}
        held = plain.get(collection)
        if held is None:
            raise ValueError(f"hubspot has no collection {collection!r}")
        held.update({str(each["id"]): dict(each) for each in records})
        return len(held)

    def _merge(self, records: Sequence[Mapping[str, Any]]) -> int:
        for each in records:
            self._store.merge("contacts", each["primaryObjectId"], each["objectIdToMerge"], each["timestamp"])
            self._merges[str(each["id"])] = dict(each)
        return len(self._merges)

    def held(self) -> Mapping[str, Mapping[str, Mapping[str, Any]]]:
        return {
            **self._store.objects,
            "merges": self._merges,
            "definitions": self._preferences.definitions,
            "statuses": self._preferences.statuses,
            "pipelines": self._pipelines,
            "owners": self._owners,
            "properties": self._properties,
        }

    # the wire

    def handle(self, asked: Asked) -> Answer:
        if asked.headers.get("authorization") != f"Bearer {self._token}":
            return not_authenticated()
        if len(asked.path) + len(asked.query) > objects.URL_MAX:
            return error(414, "VALIDATION_ERROR", "The URL is too long")
        spoilt = played(asked)
        if spoilt is not None:
            return spoilt
        searching = asked.path.endswith("/search")
        limited = self._limited(asked, searching)
        try:
            answer = limited or self._route(asked)
        except Refused as refused:
            answer = refused.answer
        return answer if searching else replace(answer, headers={**answer.headers, **self._rate_headers()})

    def _limited(self, asked: Asked, searching: bool) -> Answer | None:
        """A search counts in its own window too, and shows no headers."""
        if searching and self._searching.take(asked.now) is not None:
            return rate_limited("secondly")
        if self._rolling.take(asked.now) is not None:
            return rate_limited("ten_secondly")
        if self._daily.take(asked.now) is not None:
            return rate_limited("daily")
        return None

    def _rate_headers(self) -> dict[str, str]:
        return {
            "x-hubspot-ratelimit-max": str(self._rolling.limit),
            "x-hubspot-ratelimit-remaining": str(self._rolling.remaining),
            "x-hubspot-ratelimit-interval-milliseconds": "10000",
            "x-hubspot-ratelimit-daily": str(self._daily.limit),
            "x-hubspot-ratelimit-daily-remaining": str(self._daily.remaining),
        }

    def _route(self, asked: Asked) -> Answer:
        resolved = resolve(asked.path)
        if resolved is None:
            return not_found(asked)
        area, rest = resolved
        parts = [part for part in rest.split("/") if part]
        if area == "preferences":
            return self._preferences.answer(rest, asked) or not_found(asked)
        if area == "objects" and parts:
            return self._objects(parts, asked)
        if area == "associations" and len(parts) == 4 and parts[2:] == ["batch", "read"] and asked.method == "POST":
            kinds = _kind(parts[0]), _kind(parts[1])
            return objects.answer_links(self._store, *kinds, asked, self._partly)
        if asked.method != "GET":
            return not_found(asked)
        if area == "properties" and 1 <= len(parts) <= 2:
            return self._property_list(_kind(parts[0]), parts[1:])
        if area == "pipelines" and parts in (["deals"], ["0-3"]):
            return Answer(200, {"results": list(self._pipelines.values())}, records=len(self._pipelines))
        if area == "owners" and not parts:
            return self._owner_list(asked)
        return not_found(asked)

    def _objects(self, parts: list[str], asked: Asked) -> Answer:
        kind, rest = _kind(parts[0]), parts[1:]
        match asked.method, rest:
            case "GET", []:
                return objects.answer_list(self._store, kind, asked)
            case "POST", ["search"]:
                return self._search.answer(kind, asked)
            case "POST", ["batch", "read"]:
                return objects.answer_batch(self._store, kind, asked, self._partly)
            case "GET", [name]:
                return objects.answer_one(self._store, kind, name, asked)
        return not_found(asked)

    def _property_list(self, kind: str, only: Sequence[str]) -> Answer:
        """All definitions of a type, or the one that the path names."""
        results = [
            {
                "name": name,
                "label": name.replace("_", " "),
                "type": property_type(name),
                "options": [],
                "archived": False,
                **{key: value for key, value in self._properties.get(f"{kind}/{name}", {}).items() if key != "id"},
            }
            for name in self._store.property_names(kind)
            if not only or name in only
        ]
        if only and not results:
            raise refuse(404, "OBJECT_NOT_FOUND", "The property does not exist")
        return Answer(200, results[0] if only else {"results": results}, records=len(results))

    def _owner_list(self, asked: Asked) -> Answer:
        owners = list(self._owners.values())
        after = asked.params.get("after", "0")
        if not after.isdigit():
            raise refuse(400, "VALIDATION_ERROR", "after is none of this list's")
        found = page(owners, int(after), limit_of(asked, OWNERS_MAX, 100), asked.fault)
        content: dict[str, Any] = {"results": list(found.items)}
        if found.next_start is not None:
            link = f"{asked.base_url}{asked.path}?after={found.next_start}"
            content["paging"] = {"next": {"after": str(found.next_start), "link": link}}
        return Answer(200, content, records=len(found.items))


def _kind(text: str) -> str:
    kind = object_type(text)
    if kind is None:
        raise refuse(400, "VALIDATION_ERROR", f"Unable to infer object type from: {text}")
    return kind
