"""Omnisend over its API: lists behind cursors, in ascending order of time.

What lives here: signing in, what Omnisend's answers mean, the streams. What does not: the records (records.py), rows'
meaning (models/staging/omnisend).

Omnisend says nowhere how many records a list holds. So ids are listed a second time, in the opposite order: a page that
was left out on the first walk is not left out on both. What is younger than SETTLING is not demanded there: it may have
come between the two walks. Messages and events cannot be read, only sent.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from perennial.config.secrets import resolve
from perennial.config.vendors.omnisend import Settings
from perennial.sources.api.http import Api, Bearer, Busy, Reply
from perennial.sources.api.payloads import line
from perennial.sources.base import CursorRefused, Form, Page, SourceFailed, Stream, Window
from perennial.sources.omnisend import records

BASE_URL = "https://api.omnisend.com"
SETTLING = timedelta(minutes=10)
PATIENCE = 60.0  # the rate is counted over a minute, and not every 429 says how much of it is left
_CURSORS = ("after", "before")


class _StaleCursor(SourceFailed):
    """Omnisend refuses a cursor it handed over."""


def sign_in(source: Settings, env: Mapping[str, str]) -> Api:
    """A client of this brand."""
    auth = Bearer("Authorization", f"Omnisend-API-Key {resolve(env, source.token_env, 'token_env')}")
    return Api(source, BASE_URL, headers={"Omnisend-Version": source.api_version}, auth=auth, judge=judge)


def judge(reply: Reply) -> None:
    """How long to wait stands in the body; and refusals whose remedy is known."""
    if reply.status == 429:
        seconds = _problem(reply).get("retryAfter")
        raise Busy("answered HTTP 429", float(seconds) if isinstance(seconds, int | float) else PATIENCE)
    if reply.status == 410:
        raise SourceFailed("answered HTTP 410: this version of the API is gone; set `api_version`")
    if reply.status != 400:
        return
    errors = _problem(reply).get("errors")
    fields = [str(each.get("field")) for each in errors if isinstance(each, dict)] if isinstance(errors, list) else []
    if any(field in _CURSORS for field in fields):
        raise _StaleCursor("it refuses the place where the last page ended")
    if "Omnisend-Version" in fields:
        raise SourceFailed("answered HTTP 400: it does not know this version of the API; set `api_version`")


def _problem(reply: Reply) -> Mapping[str, Any]:
    try:
        content = orjson.loads(reply.content)
    except orjson.JSONDecodeError:
        return {}
    return content if isinstance(content, dict) else {}


@dataclass(frozen=True)
class _List:
    """One list: where it is and by which time it is walked. `cuts`: a window can be cut out of it."""

    name: str
    path: str
    sort: str
    cuts: bool = False

    def params(self, window: Window, size: int, direction: str = "asc") -> dict[str, str]:
        wanted = {"limit": str(size), "sort": self.sort, "direction": direction}
        if self.cuts and window.since is not None:
            wanted["updatedAtFrom"] = _iso(window.since)
        return wanted


class Adapter:
    """One brand."""

    def __init__(self, source: Settings, api: Api) -> None:
        self.source, self.api = source, api
        self._began: dict[str, datetime] = {}

    def streams(self) -> list[Stream]:
        contacts = _List("contacts", "contacts", "updatedAt", cuts=True)
        found = [self._stream(contacts, "contacts", "contact_id", records.CONTACTS)]
        if self.source.find_deleted:
            found.append(self._present())
        whole: dict[str, Any] = {"is_whole": True, "deletes_absent": True}
        for name, key, form in (
            ("campaigns", "campaign_id", records.CAMPAIGNS), ("automations", "automation_id", records.AUTOMATIONS)
        ):  # fmt: skip
            found.append(self._stream(_List(name, name, "createdAt"), name, key, form, **whole))
        return found

    def probe(self) -> None:
        for name in ("contacts", "campaigns", "automations"):
            self.api.get_json(f"/api/{name}", f"one of {name}", params={"limit": "1"})

    def _present(self) -> Stream:
        """Every contact's id: who is not among them any more was deleted. Bodies come as large as ever; only the ids
        are kept."""
        listed = _List("contact_ids", "contacts", "createdAt")

        def read(window: Window, cursor: Any) -> Iterator[Page]:
            for items, _, after in self._pages(listed, window, cursor):
                ids = [{"id": each["id"]} for each in items]
                yield Page({"page": line(orjson.dumps({"contacts": ids}))}, _place(after), len(ids), {"page": ids})

        def ids(window: Window) -> Iterator[Sequence[str]]:
            return self._ids(listed, window)

        return Stream(
            listed.name, {"page": records.CONTACT_IDS}, read, listed.name, "contact_id", None, ids=ids, is_whole=True,
            deletes_absent=True, buries=("contacts",),
        )  # fmt: skip

    def _stream(self, listed: _List, table: str, key: str, form: Form, **more: Any) -> Stream:
        """A list whose pages land as they are."""

        def read(window: Window, cursor: Any) -> Iterator[Page]:
            for items, content, after in self._pages(listed, window, cursor):
                place = None if _is_past(items, listed.sort, window.until) else _place(after)
                yield Page({"page": line(content)}, place, len(items), {"page": records.watched(items)})
                if place is None:
                    return

        def ids(window: Window) -> Iterator[Sequence[str]]:
            return self._ids(listed, window)

        return Stream(listed.name, {"page": form}, read, table, key, ids=ids, **more)

    def _pages(self, listed: _List, window: Window, cursor: Any) -> Iterator[tuple[list[Any], bytes, str | None]]:
        """Pages of a list: the records, the answer as it came, and the cursor of the next page."""
        self._began.setdefault(listed.name, datetime.now(UTC))
        after = cursor["after"] if cursor is not None else None
        while True:
            params = listed.params(window, self.source.page_size)
            if after is not None:  # the cursor holds the rest
                params = {"limit": params["limit"], "after": after}
            try:
                reply = self.api.ask("GET", f"/api/{listed.path}", f"a page of {listed.name}", params=params)
            except _StaleCursor:
                raise CursorRefused from None
            body = reply.json()
            after = _following(body["paging"], listed.name)
            yield body[listed.path], reply.content, after
            if after is None:
                return

    def _ids(self, listed: _List, window: Window) -> Iterator[Sequence[str]]:
        """The ids of a window by the other way round, page by page, without those that moved since it was walked."""
        settled = self._began.get(listed.name, datetime.now(UTC)) - SETTLING
        until = settled if window.until is None else min(window.until, settled)
        params = listed.params(window, self.source.page_size, "desc")
        what = f"the ids of {listed.name}"
        while True:
            body = self.api.get_json(f"/api/{listed.path}", what, params=params)
            yield [each["id"] for each in body[listed.path] if _time(each["updatedAt"]) < until]
            after = _following(body["paging"], listed.name)
            if after is None:
                return
            params = {"limit": params["limit"], "after": after}


def _following(paging: Mapping[str, Any], name: str) -> str | None:
    if not paging["hasMore"]:
        return None
    after = paging["cursors"]["after"]
    if not after:
        raise SourceFailed(f"a page of {name} says that there is more, and names no cursor for it")
    return str(after)


def _place(after: str | None) -> dict[str, str] | None:
    return None if after is None else {"after": after}


def _is_past(items: Sequence[Mapping[str, Any]], sort: str, until: datetime | None) -> bool:
    """Whether a page in ascending order reached the end of a backfill's window, which Omnisend cannot be told."""
    return until is not None and bool(items) and _time(items[-1][sort]) >= until


def _time(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


def _iso(moment: datetime) -> str:
    """With Z: a plus sign in an address is read as a blank."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
