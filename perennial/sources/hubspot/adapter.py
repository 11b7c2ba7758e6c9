"""HubSpot over its CRM API: searches ascending by time, batches for what a search does not tell.

What lives here: signing in, what HubSpot's answers mean, the streams. What does not: the order of reading (walk.py),
properties and schemas (objects.py), rows' meaning (models/staging/hubspot).
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import orjson

from perennial.config.patience import is_overlong, retry_after
from perennial.config.secrets import resolve
from perennial.config.vendors.hubspot import Settings
from perennial.sources.api.http import Api, Bearer, Busy, Reply, error_code
from perennial.sources.api.payloads import line
from perennial.sources.base import Form, Page, SourceFailed, SourceUnavailable, Stream, Window
from perennial.sources.hubspot import objects
from perennial.sources.hubspot.objects import Kind
from perennial.sources.hubspot.paths import path
from perennial.sources.hubspot.walk import Found, ascending, filters_of

BASE_URL = "https://api.hubapi.com"
WITH_HISTORY, LISTED, LINKED, ADDRESSES = 50, 100, 1_000, 100  # how many HubSpot takes at once
TRIES = 4
WAITS = {"TEN_SECONDLY_ROLLING": 10.0, "SECONDLY": 1.0}  # a 429 names its window, not the time to wait
LONGEST_RATE_WAIT, LOCKED = 10.0, 2.0
_SCOPE = re.compile(r"[a-z][a-z0-9._-]{2,80}")
_ADDRESS = re.compile(r"[^@\s,;<>()\"]+@[^@\s,;<>()\"]+\.[^@\s,;<>()\"]+")


def sign_in(source: Settings, env: Mapping[str, str]) -> Api:
    """A client of this account."""
    token = resolve(env, source.token_env, "token_env")
    return Api(source, BASE_URL, auth=Bearer("authorization", f"Bearer {token}"), judge=judge)


class Invalid(SourceFailed):
    """HubSpot refuses what a call says."""


def judge(reply: Reply) -> None:
    """HubSpot's ways to say later, not today, or no."""
    if reply.status == 429:
        policy = _policy(reply)
        if policy == "DAILY":
            raise SourceUnavailable("the account's calls of the day are used up; HubSpot counts anew at midnight")
        raise Busy(f"answered HTTP 429 ({policy or 'no policy'})", WAITS.get(policy, LONGEST_RATE_WAIT))
    if reply.status == 423:
        raise Busy("answered HTTP 423 (locked)", LOCKED)
    if reply.status == 477:
        header = reply.headers.get("retry-after")
        if is_overlong(header, reply.at):
            raise SourceUnavailable("HubSpot is moving the account to another data centre; that may take a day")
        raise Busy("answered HTTP 477 (the account is being moved)", retry_after(header, reply.at))
    if reply.status == 403:
        raise SourceFailed(f"answered HTTP 403: the token lacks a scope{_scopes(reply)}; docs/sources.md lists them")
    if reply.status == 400:
        raise Invalid(f"answered HTTP 400{error_code(reply)}; check `api_version`")


def _policy(reply: Reply) -> str:
    """Which of its windows HubSpot says is full; empty where it says none we know."""
    try:
        policy = orjson.loads(reply.content)["policyName"]
    except (LookupError, TypeError, ValueError):
        return ""
    return policy if policy in (*WAITS, "DAILY") else ""


def _scopes(reply: Reply) -> str:
    """The scopes HubSpot names, where it names some."""
    try:
        named = [
            scope
            for each in orjson.loads(reply.content).get("errors") or ()
            for scope in (each.get("context") or {}).get("requiredScopes") or ()
        ]
    except (AttributeError, TypeError, ValueError):
        return ""
    shown = [scope for scope in named if isinstance(scope, str) and _SCOPE.fullmatch(scope)]
    return f" ({', '.join(shown[:5])})" if shown else ""


class Adapter:
    """One account."""

    def __init__(self, source: Settings, api: Api) -> None:
        self.source, self.api = source, api

    def streams(self) -> list[Stream]:
        kinds = [objects.KINDS[name] for name in self.source.objects]
        found = []
        if objects.CONTACTS in kinds:
            found.append(self._words("lifecycle_stages", "stage_id", objects.LIFECYCLE_STAGES))
            if self._reads_statuses:
                found.append(self._words("subscriptions", "subscription_id", objects.SUBSCRIPTIONS))
        if objects.DEALS in kinds:
            found.append(self._words("deal_stages", "stage_id", objects.DEAL_STAGES))
        for kind in kinds:
            found += [self._deleted(kind), self._living(kind)]
        return found

    def probe(self) -> None:
        kind = objects.KINDS[self.source.objects[0]]
        self.api.get_json(self._path("objects", kind.name), f"one of {kind.name}", params={"limit": 1})

    @property
    def _reads_statuses(self) -> bool:
        return self.source.subscriptions == "batch"

    def _path(self, area: str, rest: str) -> str:
        return path(self.source.api_version, area, rest)

    # objects

    def _living(self, kind: Kind) -> Stream:
        forms = dict(kind.forms)
        if not self._reads_statuses:
            forms.pop("statuses", None)
        return Stream(
            kind.name, forms, partial(self._read, kind), kind.name, kind.key, total=partial(self._total, kind)
        )

    def _total(self, kind: Kind, window: Window) -> int:
        return self._search(kind, filters_of(kind.modified, window), kind.modified, 1).total

    def _search(self, kind: Kind, filters: Sequence[Mapping[str, str]], sort: str, limit: int) -> Found:
        body: dict[str, Any] = {"sorts": [sort], "limit": limit, "properties": [*kind.properties, kind.modified]}
        if kind.history:
            body["properties"] = [kind.modified]  # a batch tells the rest
        if filters:
            body["filterGroups"] = [{"filters": list(filters)}]
        what = f"a search for {kind.name}"
        reply = self.api.ask("POST", self._path("objects", f"{kind.name}/search"), what, json=body)
        content = reply.json()
        return Found(reply, content["results"], int(content["total"]))

    def _read(self, kind: Kind, window: Window, cursor: Any) -> Iterator[Page]:
        search = partial(self._search, kind)
        for found, following in ascending(search, kind.name, kind.modified, self.source.page_size, window, cursor):
            if not found.items:
                yield Page({}, following, 0)
            elif kind.history:
                yield self._with_history(kind, found, following)
            else:
                yield self._with_links(kind, found, following)

    def _with_history(self, kind: Kind, found: Found, following: Any) -> Page:
        lines, items = bytearray(), []
        names = [item["id"] for item in found.items]
        for start in range(0, len(names), WITH_HISTORY):
            more, records = self._batch(kind, names[start : start + WITH_HISTORY])
            lines += more
            items += records
        page = Page({"records": bytes(lines)}, following, len(found.items), {"records": items})
        if not self._reads_statuses:
            return page
        said = self._statuses([address for item in items for address in _addresses(item["properties"])])
        return Page({**page.lines, "statuses": said} if said else page.lines, following, page.count, page.items)

    def _batch(self, kind: Kind, names: Sequence[str]) -> tuple[bytes, list[Any]]:
        """Whole records. What HubSpot failed to read is asked for again; what it says is not there is left out."""
        address = self._path("objects", f"{kind.name}/batch/read")
        asked = {"properties": list(kind.properties), "propertiesWithHistory": list(kind.history)}
        lines, items = bytearray(), []
        for attempt in range(TRIES):
            time.sleep(0.3 * attempt)
            body = {**asked, "inputs": [{"id": name} for name in names]}
            reply = self.api.ask("POST", address, f"a batch of {kind.name}", json=body)
            content = reply.json()
            lines += line(reply.content)
            items += content["results"]
            gone = set(_failed(content, "ids", only="OBJECT_NOT_FOUND"))
            arrived = {item["id"] for item in content["results"]}
            if len(content["results"]) + len(gone) >= len(names):  # a record merged away comes under the winner's id
                return bytes(lines), items
            names = [name for name in names if name not in arrived and name not in gone]
        raise SourceUnavailable(f"a batch of {kind.name}: {len(names):,} records cannot be read in {TRIES} attempts")

    def _with_links(self, kind: Kind, found: Found, following: Any) -> Page:
        contacts: dict[str, str] = {}
        links = bytearray()
        names = [item["id"] for item in found.items]
        for start in range(0, len(names), LINKED):
            links += self._links(kind, names[start : start + LINKED], contacts)
        context = {"contacts": orjson.dumps(contacts).decode()}
        lines = {"records": line(found.reply.content, context), "links": bytes(links)}
        return Page(lines, following, len(found.items), {"records": found.items})

    def _links(self, kind: Kind, names: Sequence[str], contacts: dict[str, str]) -> bytes:
        """Who each record is about: of several contacts the one with the lowest number, whichever comes first."""
        address = self._path("associations", f"{kind.name}/contacts/batch/read")
        inputs = [{"id": name} for name in names]
        lines, short = bytearray(), 0
        while inputs:
            reply = self.api.ask("POST", address, f"the contacts of {kind.name}", json={"inputs": inputs})
            content = reply.json()
            lines += line(reply.content)
            after = []
            for result in content["results"]:
                name = str(result["from"]["id"])
                numbers = [int(each["toObjectId"]) for each in result["to"]]
                numbers += [int(contacts[name])] if name in contacts else []
                if numbers:
                    contacts[name] = str(min(numbers))
                following = ((result.get("paging") or {}).get("next") or {}).get("after")
                if following:
                    after.append({"id": name, "after": following})
            alone = set(_failed(content, "fromObjectId", only="OBJECT_NOT_FOUND"))
            answered = alone | {str(result["from"]["id"]) for result in content["results"]}
            missing = [each for each in inputs if each["id"] not in answered]
            short += bool(missing)
            if short == TRIES:
                raise SourceUnavailable(f"the contacts of {kind.name}: {len(missing):,} records cannot be read")
            inputs = [*after, *missing]
        return bytes(lines)

    def _statuses(self, addresses: Sequence[str]) -> bytes:
        """What was said about each subscription, of everybody on a page who has an address."""
        wanted = list(dict.fromkeys(each for each in addresses if _ADDRESS.fullmatch(each)))
        lines = bytearray()
        for start in range(0, len(wanted), ADDRESSES):
            lines += self._statuses_of(wanted[start : start + ADDRESSES])
        return bytes(lines)

    def _statuses_of(self, addresses: Sequence[str], attempt: int = 1) -> bytes:
        """An address that HubSpot takes for none refuses its whole batch: it is found by halving, and left out."""
        address = self._path("communication-preferences", "statuses/batch/read")
        try:
            reply = self.api.ask(
                "POST", address, "subscriptions", params={"channel": "EMAIL"}, json={"inputs": list(addresses)}
            )
        except Invalid:
            if len(addresses) == 1:
                return b""
            half = len(addresses) // 2
            return self._statuses_of(addresses[:half]) + self._statuses_of(addresses[half:])
        told = {str(each["subscriberIdString"]).strip().lower() for each in reply.json()["results"]}
        missing = [each for each in addresses if each not in told]
        if not missing:
            return line(reply.content)
        if attempt == TRIES:
            raise SourceUnavailable(f"subscriptions: nothing is told of {len(missing):,} addresses that were asked for")
        return line(reply.content) + self._statuses_of(missing, attempt + 1)

    # the bin

    def _deleted(self, kind: Kind) -> Stream:
        form = objects.deleted_form(kind.name, kind.key)
        read = partial(self._bin, kind)
        return Stream(
            f"deleted_{kind.name}", {"bin": form}, read, kind.name, kind.key, is_whole=True, is_gated=False
        )  # fmt: skip

    def _bin(self, kind: Kind, window: Window, cursor: Any) -> Iterator[Page]:
        after = (cursor or {}).get("after")
        stood = 0
        while True:
            params = {"limit": LISTED, "archived": "true", **({"after": after} if after is not None else {})}
            reply = self.api.ask("GET", self._path("objects", kind.name), f"deleted {kind.name}", params=params)
            content = reply.json()
            following = ((content.get("paging") or {}).get("next") or {}).get("after")
            stood = stood + 1 if following is not None and following == after else 0
            if stood == TRIES:
                raise SourceUnavailable(f"deleted {kind.name}: the list does not go on")
            items = content["results"]
            place = None if following is None else {"after": following}
            yield Page({"bin": line(reply.content)}, place, len(items), {"bin": items})
            if following is None:
                return
            after = following

    # the account's own words

    def _words(self, name: str, key: str, form: Form) -> Stream:
        address = {
            "lifecycle_stages": self._path("properties", "contacts/lifecyclestage"),
            "deal_stages": self._path("pipelines", "deals"),
            "subscriptions": self._path("communication-preferences", "definitions"),
        }[name]

        def read(window: Window, cursor: Any) -> Iterator[Page]:
            reply = self.api.ask("GET", address, name.replace("_", " "))
            items = reply.json()[str(form.items).removesuffix("[]")]
            yield Page({"list": line(reply.content)}, None, len(items), {"list": items})

        return Stream(name, {"list": form}, read, name, key, updated=None, is_whole=True, is_gated=False)


def _addresses(properties: Mapping[str, Any]) -> list[str]:
    """A contact's addresses, those of contacts merged into it among them."""
    texts = [properties.get(name) for name in ("email", "hs_additional_emails")]
    return [each.strip().lower() for text in texts if isinstance(text, str) for each in text.split(";")]


def _failed(content: Mapping[str, Any], key: str, only: str) -> list[str]:
    """The ids that a batch's errors of one category name."""
    errors = [each for each in content.get("errors") or () if each.get("category") == only]
    return [str(name) for each in errors for name in (each.get("context") or {}).get(key) or ()]
