"""What a list request of Omnisend asks for: parameters, and cursors that hold the filters they were made with.

What lives here: the parameters each list knows, their limits and combinations, reading and writing cursors. What does
not: which records a request means (lists.py), HTTP (api.py).
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qsl

from perennial.sandbox.core import moment

MAX_LIMIT, DEFAULT_LIMIT = 250, 100
STATUSES = ("subscribed", "unsubscribed", "nonSubscribed")
CAMPAIGN_STATUSES = (
    "error", "onHold", "sent", "paused", "started", "stopped", "expired", "draft", "scheduled", "canceled",
)  # fmt: skip
_PAGING = ("limit", "after", "before", "sort", "direction")


class Refused(Exception):
    """A problem in Omnisend's own form (RFC 9457). `errors`: (field, code, message)."""

    def __init__(self, status: int, kind: str, title: str, detail: str, errors: tuple[tuple[str, str, str], ...] = ()):
        super().__init__(kind)
        self.status, self.kind, self.title, self.detail, self.errors = status, kind, title, detail, errors

    def body(self, instance: str) -> dict[str, Any]:
        found: dict[str, Any] = {
            "type": f"https://problems.omnisend.com/{self.kind}", "title": self.title, "status": self.status,
            "detail": self.detail, "instance": instance,
        }  # fmt: skip
        if self.errors:
            found["errors"] = [dict(zip(("field", "code", "message"), each, strict=True)) for each in self.errors]
        return found


def invalid(*errors: tuple[str, str, str]) -> Refused:
    return Refused(
        400, "validation-failed", "Validation failed", "The request holds invalid or missing fields.", errors
    )


@dataclass(frozen=True)
class Rules:
    """What one list knows. Filters: name → closed list, "time", or nothing."""

    sorts: tuple[str, ...]
    filters: Mapping[str, tuple[str, ...] | str | None]
    apart: tuple[tuple[str, tuple[str, ...]], ...] = ()  # a filter, and those it cannot stand beside


_TIMES = dict.fromkeys(("createdAtFrom", "createdAtTo", "updatedAtFrom", "updatedAtTo"), "time")
RULES = {
    "contacts": Rules(
        ("createdAt", "updatedAt"),
        {"email": None, "phone": None, "status": STATUSES, "segmentID": None, "tag": None, "updatedAtFrom": "time"},
        (("updatedAtFrom", ("email", "phone", "status", "segmentID", "tag")), ("tag", ("status",))),
    ),
    "campaigns": Rules(
        ("createdAt", "updatedAt", "name"),
        {
            "status": CAMPAIGN_STATUSES, "channel": ("email", "sms", "push"), "type": ("regular", "booster", "abTest"),
            "nameContains": None, **_TIMES,
        },
    ),
    "automations": Rules(
        ("createdAt", "updatedAt"), {"isEnabled": ("true", "false"), "nameContains": None, **_TIMES},
    ),
}  # fmt: skip


Position = tuple[str, str]  # a place in a sorted list: the value sorted by, and the id


@dataclass(frozen=True)
class Wanted:
    """One list request, checked."""

    collection: str
    limit: int
    sort: str
    is_ascending: bool
    filters: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    after: Position | None = None
    before: Position | None = None

    @property
    def same_list(self) -> tuple[Any, ...]:
        """What two pages of one list have in common."""
        return self.sort, self.is_ascending, tuple(sorted(self.filters.items()))

    def cursor(self, position: Position) -> str:
        """An opaque text that leads back to a place in this list, with its filters and its order."""
        held = {
            "of": self.collection, "limit": self.limit, "sort": self.sort, "asc": self.is_ascending,
            "filters": {name: list(texts) for name, texts in self.filters.items()}, "at": position,
        }  # fmt: skip
        text = base64.urlsafe_b64encode(json.dumps(held, sort_keys=True).encode()).decode().rstrip("=")
        return text + _mark(text)


def _mark(text: str) -> str:
    """Tells a cursor of ours from any other text."""
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:8]


def read(collection: str, query: str) -> Wanted:
    """The list request of a query string. Raises Refused with every field that is wrong."""
    rules, given = RULES[collection], _given(query)
    wrong = [(name, "unknown", "Unknown query parameter") for name in given if name not in (*_PAGING, *rules.filters)]
    limit = _limit(given, wrong)
    closed = {"sort": rules.sorts, "direction": ("asc", "desc"), **rules.filters}
    for name, kind in closed.items():
        wrong += [problem for text in given.get(name, []) if (problem := _problem(name, kind, text))]
    for name, others in (*rules.apart, ("after", ("before",))):
        clashing = [other for other in others if name in given and other in given]
        wrong += [(name, "conflict", f"Cannot be combined with {other}") for other in clashing]
    if wrong:
        raise invalid(*wrong)
    filters = {name: tuple(texts) for name, texts in sorted(given.items()) if name in rules.filters}
    for name in ("after", "before"):
        if name in given:
            return _continued(collection, name, given, filters, limit)
    if "direction" in given and "sort" not in given:
        raise invalid(("direction", "invalid", "Only valid together with sort"))
    sort, direction = given.get("sort", ["createdAt"])[-1], given.get("direction", ["desc"])[-1]
    return Wanted(collection, limit or DEFAULT_LIMIT, sort, direction == "asc", filters)


def _continued(
    collection: str, name: str, given: Mapping[str, list[str]], filters: Mapping[str, tuple[str, ...]], limit: int
) -> Wanted:
    """The request that a cursor continues. What stands beside the cursor must be what it was made with."""
    text, mark = given[name][-1][:-8], given[name][-1][-8:]
    held = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))) if _mark(text) == mark else {}
    if held.get("of") != collection:
        raise invalid((name, "invalid", "Not a cursor of this list"))
    made = {key: tuple(texts) for key, texts in held["filters"].items()}
    position = (held["at"][0], held["at"][1])
    wanted = Wanted(collection, limit or held["limit"], held["sort"], held["asc"], made)
    changed = [(key, "changed", "Differs from the cursor") for key in filters if made.get(key) != filters[key]]
    if given.get("sort", [wanted.sort])[-1] != wanted.sort:
        changed.append(("sort", "changed", "Differs from the cursor"))
    if given.get("direction", [""])[-1] not in ("", "asc" if wanted.is_ascending else "desc"):
        changed.append(("direction", "changed", "Differs from the cursor"))
    if changed:
        raise invalid(*changed)
    return replace(wanted, after=position) if name == "after" else replace(wanted, before=position)


def _given(query: str) -> dict[str, list[str]]:
    given: dict[str, list[str]] = {}
    for name, text in parse_qsl(query, keep_blank_values=True):
        given.setdefault(name, []).append(text)
    return given


def _limit(given: Mapping[str, list[str]], wrong: list[tuple[str, str, str]]) -> int:
    """The page size asked for, 0 where none was."""
    text = given.get("limit", [""])[-1]
    if "limit" not in given:
        return 0
    if not text.isascii() or not text.isdigit() or len(text) > 9 or not 1 <= int(text) <= MAX_LIMIT:
        wrong.append(("limit", "invalid", f"Must be between 1 and {MAX_LIMIT}"))
        return 0
    return int(text)


def _problem(name: str, kind: tuple[str, ...] | str | None, text: str) -> tuple[str, str, str] | None:
    if kind == "time":
        try:
            moment(text)
        except ValueError:
            return name, "invalid_format", "Must be a timestamp in RFC 3339 format"
    if isinstance(kind, tuple) and text not in kind:
        return name, "invalid", f"Must be one of {', '.join(kind)}"
    return None
