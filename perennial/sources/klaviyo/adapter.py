"""Klaviyo over its JSON:API: pages behind links, in ascending order of time.

What lives here: signing in, what Klaviyo's answers mean, the streams. What does not: the schemas of the items
(lists.py), rows' meaning (models/staging/klaviyo).

Klaviyo says nowhere how many items a window holds. So the ids of a window are listed a second time, in the opposite
order: a page that was left out on the first walk is not left out on both. What is younger than SETTLING is not
demanded there: it may have come between the two walks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import orjson

from perennial.config.secrets import resolve
from perennial.config.vendors.klaviyo import Settings
from perennial.sources.api.http import Api, Bearer, Reply
from perennial.sources.api.payloads import line
from perennial.sources.base import CursorRefused, Form, Page, SourceFailed, Stream, Window
from perennial.sources.klaviyo import lists, pages
from perennial.sources.klaviyo.pages import WATCHED

BASE_URL = "https://a.klaviyo.com"
ACCEPT = "application/vnd.api+json"
CHANNELS = ("email", "sms", "mobile_push")  # campaigns are listed by channel only
SETTLING = timedelta(minutes=10)
_SECOND = timedelta(seconds=1)
_SUPPRESSED = "subscriptions.email.marketing.suppression.timestamp"
_BEGINNING = datetime(2000, 1, 1, tzinfo=UTC)

T = TypeVar("T")
Read = Callable[[Reply, str], tuple[T, str | None]]  # an answer, a list's type → what is made of it, the next link


class _StaleCursor(SourceFailed):
    """Klaviyo refuses a cursor it handed over."""


def sign_in(source: Settings, env: Mapping[str, str]) -> Api:
    """A client of this account."""
    auth = Bearer("Authorization", f"Klaviyo-API-Key {resolve(env, source.token_env, 'token_env')}")
    return Api(source, BASE_URL, headers={"revision": source.api_version, "accept": ACCEPT}, auth=auth, judge=judge)


def judge(reply: Reply) -> None:
    """Refusals whose remedy is known."""
    if reply.status not in (400, 404, 410):
        return
    try:
        first = orjson.loads(reply.content)["errors"][0]
        parameter, detail = (first.get("source") or {}).get("parameter"), str(first.get("detail"))
    except (ValueError, LookupError, TypeError, AttributeError):
        return
    if parameter == "page[cursor]" or "cursor" in detail.lower():
        raise _StaleCursor("it refuses the place where the last page ended")
    if parameter == "revision" or "revision" in detail.lower():
        raise SourceFailed(
            f"answered HTTP {reply.status}: it does not know the revision, or knows it no longer; set `api_version`"
        )


@dataclass(frozen=True)
class _List:
    """One list of Klaviyo: where it is, how it is walked, and by which field a window is cut out of it."""

    name: str
    path: str
    size: int
    type: str
    window: Callable[[Window], list[str]]
    sort: str | None = None
    params: Mapping[str, str] | None = None

    def query(self, window: Window) -> dict[str, str]:
        """The parameters of the first page."""
        wanted = {"page[size]": str(self.size)} if self.size else {}
        if self.sort is not None:
            wanted["sort"] = self.sort
        if conditions := self.window(window):
            wanted["filter"] = ",".join(conditions)
        return {**wanted, **(self.params or {})}

    def sparse(self, window: Window) -> dict[str, str]:
        """The same items backwards and almost empty."""
        wanted = {name: value for name, value in self.query(window).items() if not name.startswith("additional")}
        wanted.pop("include", None)
        if self.sort is not None:
            wanted["sort"] = f"-{self.sort}"
            wanted[f"fields[{self.type}]"] = "updated" if "." in self.sort else self.sort
        return wanted


class Adapter:
    """One account."""

    def __init__(self, source: Settings, api: Api) -> None:
        self.source, self.api = source, api
        self._began: dict[str, datetime] = {}
        more = "subscriptions,predictive_analytics" if source.predictive_analytics else "subscriptions"
        self._additional = {"additional-fields[profile]": more}

    def streams(self) -> list[Stream]:
        """Events first: whoever did something then has a profile by the time profiles are read."""
        found = [self._events(), self._suppressed(), self._profiles()]
        if self.source.find_deleted:
            found.append(self._present())
        return [*found, self._metrics(), self._campaigns(), self._flows()]

    def probe(self) -> None:
        for name in ("events", "profiles", "metrics", "flows"):
            params = {} if name == "metrics" else {"page[size]": "1"}
            self.api.get_json(f"api/{name}", f"one of {name}", params=params)
        self.api.get_json("api/campaigns", "one of campaigns", params={"filter": _channel("email"), "page[size]": "1"})

    def _events(self) -> Stream:
        def window(wanted: Window) -> list[str]:
            return _between("datetime", wanted, "greater-or-equal")

        listed = _List("events", "api/events", min(self.source.page_size, 1000), "event", window, "datetime")
        return self._stream(listed, "events", "event_id", "occurred_at", lists.EVENTS)

    def _profiles(self) -> Stream:
        def window(wanted: Window) -> list[str]:
            # strictly after is all Klaviyo offers here
            since = wanted.since - _SECOND if wanted.since is not None else None
            return _between("updated", Window(since, wanted.until), "greater-than")

        listed = self._people("profiles", window, "updated", self._additional)
        return self._stream(listed, "profiles", "profile_id", "updated_at", lists.profiles(self.source))

    def _suppressed(self) -> Stream:
        """Profiles by the time they were suppressed: nothing says that this moves `updated`."""

        def window(wanted: Window) -> list[str]:
            return _between(_SUPPRESSED, Window(wanted.since or _BEGINNING, wanted.until), "greater-or-equal")

        listed = self._people("suppressed_profiles", window, _SUPPRESSED, self._additional)
        form = lists.profiles(self.source)
        return self._stream(listed, "profiles", "profile_id", "suppressed_at", form, is_gated=False)

    def _present(self) -> Stream:
        """Every profile's id: what is not among them any more was deleted or merged away."""

        def window(wanted: Window) -> list[str]:
            return _between("created", Window(until=wanted.until), "greater-than")

        listed = self._people("profile_ids", window, "created", {"fields[profile]": "created"})
        return self._stream(
            listed, "profile_ids", "profile_id", None, lists.PROFILE_IDS, is_whole=True, deletes_absent=True,
            buries=("profiles",),
        )  # fmt: skip

    def _people(self, name: str, window: Callable[[Window], list[str]], sort: str, params: Mapping[str, str]) -> _List:
        return _List(name, "api/profiles", min(self.source.page_size, 100), "profile", window, sort, params)

    def _metrics(self) -> Stream:
        listed = _List("metrics", "api/metrics", 0, "metric", lambda _: [])
        return self._stream(listed, "metrics", "metric_id", None, lists.METRICS, is_whole=True)

    def _campaigns(self) -> Stream:
        def listed(channel: str) -> _List:
            size = min(self.source.page_size, 100)
            only = [_channel(channel)]
            return _List(
                "campaigns", "api/campaigns", size, "campaign", lambda _: only, "updated_at", {"include": "tags"}
            )

        def read(window: Window, cursor: Any) -> Iterator[Page]:
            place = cursor or {"channel": CHANNELS[0], "link": None}
            for channel in CHANNELS[CHANNELS.index(place["channel"]) :]:
                link = place["link"] if channel == place["channel"] else None
                for reply, following in self._pages(listed(channel), window, link, pages.whole):
                    body = reply.json()
                    context = {"channel": channel, "stages": self._stages(body)}
                    after, lines = _after(channel, following), {"page": line(reply.content, context)}
                    yield Page(lines, after, len(body["data"]), _watched(body["data"][:WATCHED]))

        def ids(window: Window) -> Iterator[Sequence[str]]:
            for channel in CHANNELS:
                yield from self._ids(listed(channel), window)

        forms = {"page": lists.CAMPAIGNS}
        return Stream("campaigns", forms, read, "campaigns", "campaign_id", ids=ids, is_whole=True, deletes_absent=True)

    def _flows(self) -> Stream:
        listed = _List(
            "flows", "api/flows", min(self.source.page_size, 50), "flow", lambda _: [], "updated",
            {"include": "flow-actions,tags"},
        )  # fmt: skip

        def read(window: Window, cursor: Any) -> Iterator[Page]:
            for reply, link in self._pages(listed, window, (cursor or {}).get("link"), pages.whole):
                body = reply.json()
                steps = _steps(body)
                noted = {"stages": self._stages(body)}
                lines = {"page": line(reply.content, noted), "steps": line(orjson.dumps(steps))}
                watched = {**_watched(body["data"][:WATCHED]), "steps": steps[:WATCHED]}
                yield Page(lines, None if link is None else {"link": link}, len(body["data"]), watched)

        def ids(window: Window) -> Iterator[Sequence[str]]:
            return self._ids(listed, window)

        forms = {"page": lists.FLOWS, "steps": lists.STEPS}
        return Stream("flows", forms, read, "flows", "flow_id", ids=ids, is_whole=True, deletes_absent=True)

    def _stream(self, listed: _List, table: str, key: str, updated: str | None, form: Form, **more: Any) -> Stream:
        """A list whose pages land as they are."""

        def read(window: Window, cursor: Any) -> Iterator[Page]:
            self._began.setdefault(listed.name, datetime.now(UTC))
            for page, link in self._pages(listed, window, (cursor or {}).get("link"), pages.glance):
                place = None if link is None else {"link": link}
                yield Page({"page": line(page.content)}, place, page.count, _watched(page.watched))

        def ids(window: Window) -> Iterator[Sequence[str]]:
            settled = self._began.get(listed.name, datetime.now(UTC)) - SETTLING
            until = settled if window.until is None else min(window.until, settled)
            return self._ids(listed, Window(window.since, until))

        return Stream(listed.name, {"page": form}, read, table, key, updated, ids=ids, **more)

    def _pages(self, listed: _List, window: Window, link: str | None, read: Read[T]) -> Iterator[tuple[T, str | None]]:
        """Pages of a list, each with the link to the next."""
        try:
            yield from self._walk(listed, listed.query(window), link, f"a page of {listed.name}", read)
        except _StaleCursor:
            raise CursorRefused from None

    def _ids(self, listed: _List, window: Window) -> Iterator[Sequence[str]]:
        """The ids of a window by another way, page by page."""
        for found, _ in self._walk(listed, listed.sparse(window), None, f"the ids of {listed.name}", pages.ids):
            yield found

    def _walk(
        self, listed: _List, params: Mapping[str, str], link: str | None, what: str, read: Read[T]
    ) -> Iterator[tuple[T, str | None]]:
        asked: Mapping[str, str] | None = params if link is None else None
        path = listed.path if link is None else link
        while True:
            found, following = self.api.get(path, what, lambda reply: read(reply, listed.type), params=asked)
            yield found, following
            if following is None:
                return
            path, asked = following, None

    def _stages(self, body: Mapping[str, Any]) -> str:
        """Item → the stage its tags name, as JSON."""
        prefix = self.source.stage_tag.lower()
        names = {each["id"]: each["attributes"]["name"] for each in body.get("included") or () if each["type"] == "tag"}
        stages: dict[str, str] = {}
        for item in body["data"]:
            for tag in lists.named(item, "tags"):
                name = str(names.get(tag, "")).strip()
                if name.lower().startswith(prefix):
                    stages.setdefault(item["id"], name[len(prefix) :].strip())
        return orjson.dumps(stages).decode()


def _steps(body: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The actions of the flows of a page, each beside its flow's id."""
    actions = {each["id"]: each for each in body.get("included") or () if each["type"] == "flow-action"}
    return [
        {"flow": flow["id"], "action": actions[action]}
        for flow in body["data"]
        for action in lists.named(flow, "flow-actions")
        if action in actions
    ]


def _watched(items: Sequence[Any]) -> dict[str, list[Any]]:
    """A few items for the watch over their shape. What a customer's systems named themselves is left out of it: their
    properties come and go every day."""
    return {"page": [_without_own(item) for item in items]}


def _without_own(item: Any) -> Any:
    attributes = item.get("attributes")
    if not isinstance(attributes, dict):
        return item
    kept = {name: value for name, value in attributes.items() if name != "properties"}
    if "event_properties" in kept and isinstance(kept["event_properties"], dict):
        properties = kept["event_properties"]
        kept["event_properties"] = properties if "$message" in properties else {}
    return {**item, "attributes": kept}


def _after(channel: str, link: str | None) -> dict[str, str | None] | None:
    """Where the list of campaigns goes on: on the channel's next page, or with the next channel."""
    if link is not None:
        return {"channel": channel, "link": link}
    position = CHANNELS.index(channel) + 1
    return {"channel": CHANNELS[position], "link": None} if position < len(CHANNELS) else None


def _between(field: str, window: Window, after: str) -> list[str]:
    conditions = []
    if window.since is not None:
        conditions.append(f"{after}({field},{_iso(window.since)})")
    if window.until is not None:
        conditions.append(f"less-than({field},{_iso(window.until)})")
    return conditions


def _channel(channel: str) -> str:
    return f"equals(messages.channel,'{channel}')"


def _iso(moment: datetime) -> str:
    """With Z: a plus sign in an address is read as a blank."""
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
