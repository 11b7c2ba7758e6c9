"""What every vendor of the sandbox shares: what a request and an answer are, armed faults, the journal, rates.

What lives here: plain data and small rules, no HTTP. What does not: any vendor's wire contract (a module or folder
each, strangers to each other, knowing only this file), the server (server.py), the demo world's shapes.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol
from urllib.parse import parse_qsl

JSON = "application/json"


@dataclass(frozen=True)
class Fault:
    """One armed fault as it applies to one request: the vendor's own or one of GENERIC_FAULTS, with its options."""

    name: str
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Asked:
    """One request to a vendor. `path` is without the vendor's prefix, header names are lower case."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes
    base_url: str  # the vendor's own root as the client reached it, for links in answers; no slash at the end
    now: datetime
    fault: Fault | None = None

    @property
    def params(self) -> dict[str, str]:
        """Query parameters by name; the last one where a name comes twice."""
        return dict(parse_qsl(self.query, keep_blank_values=True))

    def json(self) -> Any:
        """The body as JSON; raises ValueError where it is none."""
        return json.loads(self.body)

    def has_fault(self, name: str) -> bool:
        return self.fault is not None and self.fault.name == name


@dataclass(frozen=True)
class Answer:
    """What a vendor answers. `records` is how many records of the vendor it hands over, for the journal."""

    status: int = 200
    content: Any = None  # JSON value, or bytes as they are; None is an empty body
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str = JSON
    records: int = 0
    ids: Sequence[str] = ()  # the ids of those records, in order

    def body(self) -> bytes:
        if self.content is None:
            return b""
        if isinstance(self.content, bytes):
            return self.content
        return json.dumps(self.content, ensure_ascii=False, separators=(",", ":")).encode()


class Vendor(Protocol):
    """One vendor's API over its own records."""

    name: str  # also its path prefix
    faults: Mapping[str, str]  # the names that can be armed beside GENERIC_FAULTS → what each does

    def handle(self, asked: Asked) -> Answer:
        """Answer one request by the vendor's wire contract. Never raises for anything a client sent."""

    def seed(self, collection: str, records: Sequence[Mapping[str, Any]]) -> int:
        """Put records into a collection, by their ids; the newest counts. Returns how many it holds then."""

    def held(self) -> Mapping[str, Mapping[str, Mapping[str, Any]]]:
        """Collection → id → record, as it is now."""


# Faults the server itself can play for any vendor.
GENERIC_FAULTS = {
    "status": "answers with `status` (default 503), `headers` and `body`, and does nothing",
    "html": "answers 200 with an HTML log-in page",
    "empty_body": "answers 200 with an empty body",
    "errors_body": 'answers 200 with {"errors": […]}',
    "cut_off": "sends half of the answer's body and closes the connection",
    "reset_after": "does what was asked and closes the connection without an answer",
    "slow": "sends the body one byte every `seconds` (default 1)",
    "stall": "answers nothing for `seconds` (default 30)",
}
# Faults of paging; the vendor plays them through page().
PAGE_FAULTS = {
    "page_repeated": "hands over this page, and hands it over again when asked for the next",
    "page_skipped": "the next page is left out",
    "page_half": "hands over half of this page and says it was the last",
    "page_empty": "hands over nothing and says it was the last",
}


@dataclass
class Armed:
    """A fault waiting for its requests."""

    vendor: str
    fault: Fault
    times: int
    match: str  # a text that the request's path, query or body must hold; empty: any request
    after: int = 0  # how many matching requests pass unharmed first


class Faults:
    """Which faults are armed, first armed first played. A request meets at most one."""

    def __init__(self) -> None:
        self._armed: list[Armed] = []
        self._guard = threading.Lock()

    def arm(self, vendor: str, name: str, *, times: int = 1, match: str = "", after: int = 0, **options: Any) -> None:
        with self._guard:
            self._armed.append(Armed(vendor, Fault(name, options), times, match, after))

    def disarm(self) -> None:
        with self._guard:
            self._armed.clear()

    def left(self) -> int:
        with self._guard:
            return sum(each.times for each in self._armed)

    def take(self, vendor: str, text: str) -> Fault | None:
        """The fault this request meets; it is used up by one."""
        with self._guard:
            for each in self._armed:
                if each.vendor != vendor or each.match not in text:
                    continue
                if each.after:
                    each.after -= 1
                    continue
                each.times -= 1
                if not each.times:
                    self._armed.remove(each)
                return each.fault
        return None


@dataclass(frozen=True)
class Entry:
    """One request in the journal. Bodies are kept: the sandbox holds nobody who exists."""

    number: int
    at: datetime
    vendor: str
    method: str
    path: str
    query: str
    headers: Mapping[str, str]  # without the credentials
    body: str
    status: int
    records: int
    ids: Sequence[str]
    fault: str | None


class Journal:
    """Every request in the order of its answer."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self._guard = threading.Lock()

    def write(self, vendor: str, asked: Asked, answer: Answer) -> None:
        shown = {
            name: value
            for name, value in asked.headers.items()
            if name not in ("authorization", "x-shopify-access-token", "x-api-key", "cookie")
        }
        with self._guard:
            self.entries.append(
                Entry(
                    len(self.entries) + 1, asked.now, vendor, asked.method, asked.path, asked.query, shown,
                    asked.body.decode("utf-8", "replace"), answer.status, answer.records, tuple(answer.ids),
                    asked.fault.name if asked.fault else None,
                )
            )  # fmt: skip

    def of(self, vendor: str) -> list[Entry]:
        with self._guard:
            return [each for each in self.entries if each.vendor == vendor]


class Window:
    """At most `limit` requests in any fixed window of `seconds`, as vendors count them."""

    def __init__(self, limit: int, seconds: float) -> None:
        self.limit, self.seconds = limit, seconds
        self._began, self._used = 0.0, 0

    def take(self, now: datetime) -> float | None:
        """None where the request may pass; else the seconds until the window is over."""
        moment = now.timestamp()
        if moment - self._began >= self.seconds:
            self._began, self._used = moment - moment % self.seconds, 0
        if self._used < self.limit:
            self._used += 1
            return None
        return max(self.seconds - (moment - self._began), 0.001)

    @property
    def remaining(self) -> int:
        return max(self.limit - self._used, 0)


@dataclass(frozen=True)
class Page:
    """A stretch of a list: its items and where the next begins, none where it was the last."""

    items: Sequence[Any]
    next_start: int | None


def page(items: Sequence[Any], start: int, size: int, fault: Fault | None = None) -> Page:
    """One page of a list, with the page faults played."""
    name = fault.name if fault else ""
    if name == "page_empty":
        return Page([], None)
    chosen = items[start : start + size]
    if name == "page_half":
        return Page(chosen[: len(chosen) // 2], None)
    following = start + size
    if name == "page_repeated":
        following = start
    elif name == "page_skipped":
        following = start + 2 * size
    return Page(chosen, following if following < len(items) else None)


def moment(text: str) -> datetime:
    """An ISO 8601 time, UTC where it names no zone. Raises ValueError."""
    value = datetime.fromisoformat(text)
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def iso(value: datetime, *, milliseconds: bool = False) -> str:
    """ISO 8601 with Z."""
    text = value.astimezone(UTC).isoformat(timespec="milliseconds" if milliseconds else "seconds")
    return text.replace("+00:00", "Z")


Clock = Callable[[], datetime]


def now() -> datetime:
    return datetime.now(UTC)
