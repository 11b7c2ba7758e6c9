"""respond.io over its Developer API: a full list of contacts every night, messages contact by contact, and deliveries.

What lives here: signing in, what its answers mean, the streams. What does not: shapes and rows (shapes.py), the inbox
(api/deliveries.py), rows' meaning (models/staging/respond_io).

The API knows no "changed since", no list of conversations and no number of items. So contacts are listed twice, with
pages of two sizes, which notices a page that was left out; a contact's first reading ends only where an empty page says
so; and later readings go back `status_window` behind the newest message held.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from perennial.config.secrets import resolve
from perennial.config.vendors.respond_io import Settings
from perennial.sources.api.deliveries import delivery_stream, received
from perennial.sources.api.http import Api, Bearer, Busy, Reply
from perennial.sources.api.payloads import line
from perennial.sources.base import CursorRefused, Form, Page, SourceFailed, SourceUnavailable, Stream, Window
from perennial.sources.respond_io import shapes

ANYBODY = {"search": "", "timezone": "UTC", "filter": {"$and": []}}
RETURNS = 5  # so often a list may lead back to where it was: the vendor hands a page over again now and then
MICROSECONDS = 1_000_000


class Gone(SourceFailed):
    """What was asked for is not there."""


def sign_in(source: Settings, env: Mapping[str, str]) -> Api:
    """A client of this workspace."""
    token = resolve(env, source.token_env, "token_env")
    return Api(source, "https://api.respond.io", auth=Bearer("Authorization", f"Bearer {token}"), judge=judge)


class Refused(SourceFailed):
    """What was asked for cannot be understood."""


def judge(reply: Reply) -> None:
    if reply.status == 449:
        raise Busy("answered HTTP 449")
    if reply.status == 404:
        raise Gone("answered HTTP 404; check `base_url` and `api_version`")
    if reply.status == 400:
        raise Refused("answered HTTP 400; check `api_version`")


@dataclass(frozen=True)
class _Contact:
    """What of a contact decides whether its messages are asked for tonight."""

    id: int
    is_open: bool
    created_at: float


class Adapter:
    """One workspace."""

    def __init__(self, source: Settings, api: Api) -> None:
        self.source, self.api = source, api
        self._listed: list[_Contact] | None = None  # every contact, where this process listed them
        self._waiting: Callable[[], set[int]] = set  # contacts that deliveries not yet landed tell of

    def deliveries(self, inbox: Path, source_name: str) -> Stream:
        def waiting() -> set[int]:
            return {found for each in received(inbox, source_name) if (found := _contact_of(each["body"])) is not None}

        self._waiting = waiting
        rows = shapes.delivery_rows(self.source.campaign_field)
        return delivery_stream(inbox, source_name, shapes.BODY, (rows,), "deliveries", "event_id")

    def streams(self) -> list[Stream]:
        return [
            self._space("channels", "channel", "channel_id", shapes.CHANNELS),
            self._space("users", "user", "user_id", shapes.USERS),
            Stream(
                "contacts", {"page": shapes.CONTACTS}, self._contacts, "contacts", "contact_id", updated=None,
                ids=lambda _: self._ids(self._page_of_contacts), is_whole=True, deletes_absent=True,
            ),
            Stream(
                "messages", {"page": shapes.MESSAGES}, self._messages, "messages", "message_id", updated="sent_at",
                is_gated=self.source.sweep_nights == 1,
            ),
        ]  # fmt: skip

    def probe(self) -> None:
        self._ask_space("channel", 1, None)

    def _space(self, name: str, what: str, key: str, form: Form) -> Stream:
        def ask(size: int, cursor: str | None) -> Reply:
            return self._ask_space(what, size, cursor)

        return Stream(
            name, {"page": form}, lambda _, cursor: self._pages(ask, name, cursor), name, key, updated=None,
            ids=lambda _: self._ids(ask), is_whole=True, is_gated=False,
        )  # fmt: skip

    def _ask_space(self, what: str, size: int, cursor: str | None) -> Reply:
        path = f"/{self.source.api_version}/space/{what}"
        return self.api.ask("GET", path, f"the list of {what}s", params=_params(size, cursor))

    def _page_of_contacts(self, size: int, cursor: str | None) -> Reply:
        path = f"/{self.source.api_version}/contact/list"
        return self.api.ask("POST", path, "a page of contacts", params=_params(size, cursor), json=ANYBODY)

    def _contacts(self, _: Window, cursor: Any) -> Iterator[Page]:
        found: list[_Contact] = []
        for page in self._pages(self._page_of_contacts, "contacts", cursor):
            found += map(_contact, page.items["page"])
            yield page
        if cursor is None:
            self._listed = found

    def _pages(self, ask: Callable[[int, str | None], Reply], what: str, cursor: Any) -> Iterator[Page]:
        way = _Way(what, cursor["cursor"] if cursor else None)
        while True:
            try:
                reply = ask(self.source.page_size, way.place)
            except (Gone, Refused):
                if cursor is None or way.steps:
                    raise
                raise CursorRefused from None
            content = reply.json()
            way.follow(content)
            following = None if way.is_over else {"cursor": way.place}
            yield Page({"page": line(reply.content)}, following, len(content["items"]), {"page": content["items"]})
            if way.is_over:
                return

    def _ids(self, ask: Callable[[int, str | None], Reply]) -> Iterator[Sequence[str]]:
        """The ids of a list once more, in pages of another size: they begin elsewhere than those of the first walk."""
        way = _Way("ids", None)
        while not way.is_over:
            content = ask(max(1, self.source.page_size - 3), way.place).json()
            yield [str(each["id"]) for each in content["items"]]
            way.follow(content)

    def _messages(self, window: Window, cursor: Any) -> Iterator[Page]:
        """Contact by contact, in the order of their ids. A place is a contact and its oldest message that arrived."""
        place = cursor or {"contact": 0, "before": None}
        chosen = sorted(each for each in self._chosen(window) if each >= place["contact"])
        for contact_id in chosen:
            before = place["before"] if contact_id == place["contact"] else None
            yield from self._of_contact(contact_id, window, before)
        yield Page({}, None, 0)

    def _chosen(self, window: Window) -> Iterator[int]:
        """Whose messages are asked for: everybody's, or a share and those where something is known to have happened."""
        nights = self.source.sweep_nights
        everybody = nights == 1 or window.mode != "incremental" or window.since is None
        since = 0.0 if window.since is None else (window.since - self.source.overlap).timestamp()
        waiting = set() if everybody else self._waiting()
        turns = {day % nights for day in _days_since(window)}  # also of nights that failed, or were never run
        for each in self._everybody():
            if everybody or each.is_open or each.created_at >= since or each.id in waiting or each.id % nights in turns:
                yield each.id

    def _everybody(self) -> list[_Contact]:
        if self._listed is None:  # an earlier run listed them and was killed
            pages = self._pages(self._page_of_contacts, "contacts", None)
            self._listed = [_contact(item) for page in pages for item in page.items["page"]]
        return self._listed

    def _of_contact(self, contact_id: int, window: Window, before: int | None) -> Iterator[Page]:
        """A contact's messages, the newest first, back to where the window begins.

        The next page is asked for by the oldest message that arrived: a link that leads elsewhere leaves some out. An
        incremental night looks back far enough to mend what it missed. Where nobody looks that far again, the end must
        be told twice: by a page that names no next, and by nothing coming when asked for more.
        """
        path = f"/{self.source.api_version}/contact/id:{contact_id}/message/list"
        # a contact whose turn it is was asked for `sweep_nights` ago
        behind = max(self.source.status_window, timedelta(days=self.source.sweep_nights))
        oldest_wanted = _oldest_wanted(window, behind)
        enough = 1 if window.mode == "incremental" else 2
        told = 0
        while told < enough:
            params = _params(self.source.page_size, None if before is None else str(before))
            try:
                reply = self.api.ask("GET", path, "a page of messages", params=params)
            except Gone:
                self._check_gone(contact_id)
                break
            content = reply.json()
            items = content["items"]
            if not items:
                told += 1
                continue
            before = _oldest(items, before)
            told = 0 if _next(content, "messages") else 1
            place = {"contact": contact_id, "before": before}
            yield Page({"page": line(reply.content)}, place, len(items), {"page": items})
            if oldest_wanted is not None and before < oldest_wanted:
                break
        yield Page({}, {"contact": contact_id + 1, "before": None}, 0)

    def _check_gone(self, contact_id: int) -> None:
        """A contact that was deleted or merged since it was listed has no list of messages; every other has one."""
        try:
            self.api.ask("GET", f"/{self.source.api_version}/contact/id:{contact_id}", "a contact")
        except Gone:
            return
        raise SourceUnavailable("a page of messages: answered HTTP 404, though the contact is there")


class _Way:
    """The way through a list, from link to link."""

    def __init__(self, what: str, place: str | None) -> None:
        self.place, self.steps, self.is_over = place, 0, False
        self._what, self._been, self._returns = what, {place}, 0

    def follow(self, content: Mapping[str, Any]) -> None:
        place = _next(content, self._what)
        if place is None:
            self.is_over = True
            return
        self._returns += place in self._been
        if self._returns > RETURNS:
            raise SourceUnavailable(f"the list of {self._what} leads back to where it was, again and again")
        self._been.add(place)
        self.place = place
        self.steps += 1


def _params(size: int, cursor: str | None) -> dict[str, Any]:
    return {"limit": size} if cursor is None else {"limit": size, "cursorId": cursor}


def _next(content: Mapping[str, Any], what: str) -> str | None:
    """The cursor in a page's link to the next. The rest of the link is left alone: it lacks the version in places."""
    link = (content.get("pagination") or {}).get("next")
    if not link:
        return None
    cursor = parse_qs(urlsplit(str(link)).query).get("cursorId")
    if not cursor:
        raise SourceFailed(f"a page of {what} names no cursor for the next")
    return cursor[0]


def _oldest(items: Sequence[Mapping[str, Any]], before: int | None) -> int:
    oldest = min(int(each["messageId"]) for each in items)
    if before is not None and oldest >= before:
        raise SourceUnavailable("a contact's messages lead back to where they were")
    return oldest


def _days_since(window: Window) -> range:
    """The days, by number, from where a window begins to today."""
    today = datetime.now(UTC).toordinal()
    first = today if window.since is None else min(window.since.astimezone(UTC).toordinal(), today)
    return range(first, today + 1)


def _oldest_wanted(window: Window, behind: timedelta) -> int | None:
    """The id that a message sent where the window begins would have."""
    if window.since is None:
        return None
    since = window.since - behind if window.mode == "incremental" else window.since
    return int(since.timestamp() * MICROSECONDS)


def _contact(item: Mapping[str, Any]) -> _Contact:
    return _Contact(int(item["id"]), item.get("status") == "open", float(item.get("created_at") or 0))


def _contact_of(body: Any) -> int | None:
    """Whom a delivery is about."""
    contact = body.get("contact") if isinstance(body, dict) else None
    found = str(contact.get("id")) if isinstance(contact, dict) else ""
    return int(found) if found.isdecimal() else None
