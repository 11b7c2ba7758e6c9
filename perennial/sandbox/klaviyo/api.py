"""Klaviyo's reading API over records held in memory: JSON:API lists with filters, sorting, sparse fields, inclusion,
cursors, rate tiers, and the revision header.

What lives here: who may ask, which call it is, rate windows, one page. What does not: what each call allows
(endpoints.py), the filter language (filters.py), errors (errors.py), the demo world (world.py).

Records are seeded as the API hands them out, `links` aside, into `profiles`, `events`, `metrics`, `lists`, `segments`,
`campaigns`, `flows`, and into `campaign-messages`, `flow-actions` and `tags`, which are handed over with others. A
profile that is seeded with its `subscriptions` shows them only where they are asked for. A record seeded with an
earlier `updated` than the held one changes nothing.
- Archive: seed the campaign or flow with `archived: true`.
- Merge: seed `profile-merges` with what a merge call carries, `{"id": <kept>, "relationships": {"profiles": {"data":
  [{"type": "profile", "id": <merged away>}]}}}`, and `updated` beside it where the kept profile's time shall move.
  The merged profile is gone, its events belong to the kept one.
- Deletion: seed `profile-deletions` with `{"id": …}`. The profile is gone, its events name no profile any more.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

from perennial.sandbox.core import PAGE_FAULTS, Answer, Asked, Window, page
from perennial.sandbox.klaviyo import errors
from perennial.sandbox.klaviyo.asking import BadQuestion, Question, question
from perennial.sandbox.klaviyo.endpoints import DEEDS, ENDPOINTS, INCLUDED, Endpoint, M, Tier
from perennial.sandbox.klaviyo.presenting import Presenting
from perennial.sandbox.klaviyo.shelf import Asked as Filter
from perennial.sandbox.klaviyo.shelf import Key, Shelf, start_after

REVISIONS = (
    "2025-01-15", "2025-04-15", "2025-07-15", "2025-10-15", "2026-01-15", "2026-04-15", "2026-07-15", "2026-10-15",
)  # fmt: skip
MINUTE = 60.0


class KlaviyoApi:
    """One account. `limits` multiplies the vendor's rates; `revisions` are those it still answers, oldest first."""

    name = "klaviyo"
    faults: Mapping[str, str] = {
        "too_many_requests": "answers 429 with Retry-After: `seconds` (default 1)",
        "missing_revision": "answers as though the revision header had been lost on the way: 400",
        "retired_revision": "answers 410: the revision is retired",
        "service_unavailable": "answers `status` (default 503, also 504 or 524) with an error body",
        "invalid_cursor": "answers 400: the cursor is not valid (any more)",
        **PAGE_FAULTS,
    }

    def __init__(
        self, token: str = "sandbox-klaviyo-token", limits: float = 1.0, revisions: Sequence[str] = REVISIONS
    ) -> None:
        self._token, self._limits, self._revisions = token, limits, tuple(revisions)
        self._shelves = {name: Shelf(endpoint) for name, endpoint in ENDPOINTS.items()}
        self._shelves |= {name: Shelf() for name in INCLUDED}
        self._windows: dict[str, tuple[Window, Window]] = {}

    def held(self) -> Mapping[str, Mapping[str, Mapping[str, Any]]]:
        return self._shelves

    def seed(self, collection: str, records: Sequence[Mapping[str, Any]]) -> int:
        if collection not in DEEDS:
            for record in records:
                self._shelves[collection].put(record)
            return len(self._shelves[collection])
        for record in records:
            if collection == "profile-merges":
                self._merge(record)
            else:
                self._hand_over(str(record["id"]), None)
        return len(self._shelves["profiles"])

    def handle(self, asked: Asked) -> Answer:
        refusal = self._refusal(asked)
        if refusal is not None:
            return refusal
        collection, identifier = _route(asked.path)
        if collection is None:
            return errors.not_found()
        if asked.method != "GET":
            return errors.method_not_allowed(asked.method)
        endpoint = ENDPOINTS[collection]
        tier, call = _tier(endpoint, collection, identifier, asked)
        waiting, headers = self._take(call, tier, asked)
        if waiting is not None:
            return errors.throttled(waiting)
        try:
            found = question(endpoint, asked, identifier is not None)
            answer = (
                self._one(asked, collection, identifier, found) if identifier else self._list(asked, collection, found)
            )
        except BadQuestion as error:
            answer = errors.invalid(error.detail, error.parameter)
        return replace(answer, headers={**answer.headers, **headers})

    def _refusal(self, asked: Asked) -> Answer | None:
        """What is refused before anybody looks at the call itself."""
        if asked.headers.get("authorization") not in (f"Klaviyo-API-Key {self._token}", f"Bearer {self._token}"):
            return errors.not_authenticated()
        revision = asked.headers.get("revision", "")
        if not revision or asked.has_fault("missing_revision"):
            return errors.missing_revision()
        if not re.fullmatch(r"\d{4}-\d\d-\d\d(\.[a-z]+)?", revision):
            return errors.invalid("The revision header must be a date.", "revision")
        if revision < self._revisions[0] or asked.has_fault("retired_revision"):
            return errors.retired_revision(revision)
        if revision not in self._revisions:
            return errors.unknown_revision()
        accepted = asked.headers.get("accept", "")
        if not any(each in accepted for each in (errors.CONTENT_TYPE, "application/json")):
            return errors.not_acceptable()
        options = asked.fault.options if asked.fault else {}
        if asked.has_fault("too_many_requests"):
            return errors.throttled(float(options.get("seconds", 1)))
        if asked.has_fault("service_unavailable"):
            return errors.unavailable(int(options.get("status", 503)))
        return None

    def _take(self, call: str, tier: Tier, asked: Asked) -> tuple[float | None, Mapping[str, str]]:
        """Both windows of a call must let it pass. What the answer says of them is about the minute."""
        if call not in self._windows:
            steady, burst = (max(int(limit * self._limits), 1) for limit in (tier.steady, tier.burst))
            self._windows[call] = (Window(burst, 1.0), Window(steady, MINUTE))
        burst_window, steady_window = self._windows[call]
        waiting = burst_window.take(asked.now)
        if waiting is None:
            waiting = steady_window.take(asked.now)
        left = MINUTE - asked.now.timestamp() % MINUTE
        return waiting, {
            "RateLimit-Limit": str(steady_window.limit),
            "RateLimit-Remaining": str(steady_window.remaining),
            "RateLimit-Reset": str(int(left)),
        }

    def _list(self, asked: Asked, collection: str, wanted: Question) -> Answer:
        shelf = self._shelves[collection]
        keys, positions = shelf.positions(
            wanted.sort, Filter(wanted.filter, wanted.conditions, lambda one, _: self._channel(one))
        )
        start = 0
        if wanted.cursor is not None:
            if asked.has_fault("invalid_cursor"):
                raise BadQuestion("Invalid cursor provided.", "page[cursor]")
            key = _key(wanted)
            if key is not None:
                start = start_after(keys, positions, key, descending=wanted.descending)
        walk = positions[::-1] if wanted.descending else positions
        this = page(walk, start, wanted.size, asked.fault)
        ids = [keys[place][1] for place in this.items]
        following = None
        if this.next_start is not None:
            last = keys[walk[this.next_start - 1]] if this.next_start else None
            following = _link(asked, wanted.params, _cursor(wanted, last))
        shown = Presenting(self._shelves, asked.base_url, wanted)
        return Answer(
            200, shown.document(collection, ids, _link(asked, wanted.params, wanted.cursor), following), {},
            errors.CONTENT_TYPE, len(ids), ids,
        )  # fmt: skip

    def _one(self, asked: Asked, collection: str, identifier: str, wanted: Question) -> Answer:
        if identifier not in self._shelves[collection]:
            return errors.not_found(f"A {ENDPOINTS[collection].type} with this id does not exist.")
        shown = Presenting(self._shelves, asked.base_url, wanted)
        return Answer(200, shown.single(collection, identifier), {}, errors.CONTENT_TYPE, 1, [identifier])

    def _channel(self, campaign: str) -> str | None:
        """The channel of a campaign's first message."""
        links = (
            self._shelves["campaigns"][campaign].get("relationships", {}).get("campaign-messages", {}).get("data", [])
        )
        for each in links:
            if each["id"] in self._shelves["campaign-messages"]:
                message = self._shelves["campaign-messages"][each["id"]]
                return str(message["attributes"]["definition"]["channel"])
        return None

    def _merge(self, deed: Mapping[str, Any]) -> None:
        kept = dict(self._shelves["profiles"][deed["id"]])
        for each in deed["relationships"]["profiles"]["data"]:
            self._hand_over(each["id"], deed["id"])
        if deed.get("updated"):
            self._shelves["profiles"].put({**kept, "attributes": {**kept["attributes"], "updated": deed["updated"]}})

    def _hand_over(self, profile: str, to: str | None) -> None:
        """A profile goes, and its events go to another or belong to nobody."""
        events = self._shelves["events"]
        for identifier in events.having("profile_id", profile):
            event = events[identifier]
            owner = {"data": None if to is None else {"type": "profile", "id": to}}
            events.put({**event, "relationships": {**event["relationships"], "profile": owner}})
        self._shelves["profiles"].remove(profile)


def _route(path: str) -> tuple[str | None, str | None]:
    """The collection and the single record a path names; a slash at the end changes nothing."""
    parts = path.strip("/").split("/")
    if len(parts) in (2, 3) and parts[0] == "api" and parts[1] in ENDPOINTS:
        return parts[1], parts[2] if len(parts) == 3 else None
    return None, None


def _tier(endpoint: Endpoint, collection: str, identifier: str | None, asked: Asked) -> tuple[Tier, str]:
    """The tier of a call, and the name under which it is counted."""
    call = f"{collection}/one" if identifier else collection
    if "predictive_analytics" in asked.params.get("additional-fields[profile]", ""):
        return M, f"{call}+"
    return endpoint.tier, call


def _link(asked: Asked, params: Mapping[str, str], cursor: str | None) -> str:
    """The call again, with another cursor or with none."""
    kept = {name: value for name, value in params.items() if name != "page[cursor]"}
    if cursor is not None:
        kept["page[cursor]"] = cursor
    query = urlencode(kept)
    return f"{asked.base_url}{asked.path}{'?' + query if query else ''}"


def _cursor(wanted: Question, last: Key | None) -> str:
    """Where a walk stands: what it walks, and the last record it handed over, none at the beginning."""
    state = [wanted.direction, wanted.filter, list(last) if last else None]
    return base64.urlsafe_b64encode(json.dumps(state, separators=(",", ":")).encode()).decode()


def _key(wanted: Question) -> Key | None:
    """The record a cursor stands behind. A cursor of another walk is refused."""
    try:
        direction, text, last = json.loads(base64.urlsafe_b64decode(wanted.cursor or ""))
    except (ValueError, TypeError, binascii.Error) as error:
        raise BadQuestion("Invalid cursor provided.", "page[cursor]") from error
    if (direction, text) != (wanted.direction, wanted.filter):
        raise BadQuestion("Invalid cursor provided.", "page[cursor]")
    return None if last is None else (last[0], last[1])
