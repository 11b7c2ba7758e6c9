"""Shopify over its GraphQL Admin API: bulk operations for much, cursor pages for little.

What lives here: signing in, what Shopify's answers mean, the streams. What does not: the queries and the schemas of
what they return (queries.py), rows' meaning (models/staging/shopify).
"""

from __future__ import annotations

import re
import time
from collections.abc import Generator, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import httpx
import orjson

from perennial.config.secrets import resolve
from perennial.config.vendors.shopify import Settings
from perennial.sources.api.http import Api, Bearer, Busy, Reply
from perennial.sources.api.payloads import line
from perennial.sources.base import Page, SourceFailed, SourceUnavailable, Stream, Window
from perennial.sources.shopify.queries import QUERIES, Query

TOKEN_HEADER = "X-Shopify-Access-Token"
BULK_ABOVE = 250  # more items than this are asked for as one file: it costs nothing of the rate
BULK_ATTEMPTS = 2
POLL_SECONDS = (0.5, 10.0)
_FIELD = re.compile(r"Field '(\w+)' doesn't exist on type '(\w+)'")


def sign_in(source: Settings, env: Mapping[str, str]) -> Api:
    """A client of this store."""
    secret = resolve(env, source.token_env, "token_env")
    base_url = source.base_url or f"https://{source.shop}.myshopify.com"
    auth: httpx.Auth = Bearer(TOKEN_HEADER, secret)
    if source.client_id is not None:
        auth = _ClientCredentials(f"{base_url}/admin/oauth/access_token", source.client_id, secret)
    return Api(source, base_url, auth=auth, judge=judge)


class TooDear(SourceFailed):
    """A page costs more points than one query may."""


class _ClientCredentials(httpx.Auth):
    """A token bought with the app's secret, bought anew once where it is refused."""

    requires_response_body = True

    def __init__(self, address: str, client_id: str, secret: str) -> None:
        self._address, self._client_id, self._secret = address, client_id, secret
        self._token: str | None = None

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        is_new = self._token is None
        if is_new:
            yield from self._buy()
        request.headers[TOKEN_HEADER] = self._token or ""
        answer = yield request
        if answer.status_code == 401 and not is_new:
            yield from self._buy()
            request.headers[TOKEN_HEADER] = self._token or ""
            yield request

    def _buy(self) -> Generator[httpx.Request, httpx.Response, None]:
        wanted = {"client_id": self._client_id, "client_secret": self._secret, "grant_type": "client_credentials"}
        answer = yield httpx.Request("POST", self._address, json=wanted)
        if answer.status_code != 200:
            raise SourceFailed(
                f"signing in answered HTTP {answer.status_code}; check `client_id` and the secret of `token_env`"
            )
        self._token = str(orjson.loads(answer.content)["access_token"])


def judge(reply: Reply) -> None:
    """Shopify's 200 that are none: throttled, refused, failed."""
    if reply.status != 200:
        return
    content = reply.json()
    for error in content.get("errors") or () if isinstance(content, dict) else ():
        code = (error.get("extensions") or {}).get("code") if isinstance(error, dict) else None
        if code == "THROTTLED":
            raise Busy("throttled", _until_restored(content))
        if code == "ACCESS_DENIED":
            raise SourceFailed("the token lacks a scope this query needs; docs/sources.md lists them")
        if code == "MAX_COST_EXCEEDED":
            raise TooDear("one query costs more than Shopify allows; choose a smaller `page_size`")
        if code == "undefinedField" and (found := _FIELD.search(str(error.get("message")))):
            raise SourceFailed(
                f"column {found[1]} of {found[2]} is no longer there; pin `api_version` to one that has it, or mend the"
                f" mapping (docs/sources.md, schema drift)"
            )
        raise Busy(f"reports an error{f' ({code})' if isinstance(code, str) and code.isidentifier() else ''}")


def _until_restored(content: Mapping[str, Any]) -> float | None:
    """Seconds until the bucket holds what the query costs."""
    try:
        cost = content["extensions"]["cost"]
        status = cost["throttleStatus"]
        missing = float(cost["requestedQueryCost"]) - float(status["currentlyAvailable"])
        return max(missing, 0.0) / float(status["restoreRate"]) + 0.05
    except (KeyError, TypeError, ValueError, ZeroDivisionError):
        return None


class Adapter:
    """One store."""

    def __init__(self, source: Settings, api: Api) -> None:
        self.source, self.api = source, api
        self._path = f"/admin/api/{source.api_version}/graphql.json"

    def streams(self) -> list[Stream]:
        return [self._stream(query) for query in QUERIES]

    def probe(self) -> None:
        self._ask("{ shop { id } }", {}, "the shop")

    def _stream(self, query: Query) -> Stream:
        def read(window: Window, cursor: Any) -> Iterator[Page]:
            return self._read(query, window, cursor)

        def total(window: Window) -> int | None:
            return self._count(query, window)

        return Stream(query.name, query.forms, read, query.table, query.key, total=total)

    def _ask(self, query: str, variables: Mapping[str, Any], what: str) -> Reply:
        return self.api.ask("POST", self._path, what, json={"query": query, "variables": dict(variables)})

    def _count(self, query: Query, window: Window) -> int | None:
        text = f"query($q: String) {{ {query.root}Count(query: $q, limit: null) {{ count precision }} }}"
        if not query.is_counted:
            return None
        answer = self._ask(text, {"q": _filter(query, window)}, f"the number of {query.name}").json()
        counted = answer["data"][f"{query.root}Count"]
        return int(counted["count"]) if counted["precision"] == "EXACT" else None

    def _read(self, query: Query, window: Window, cursor: Any) -> Iterator[Page]:
        if cursor is None and query.bulk_node is not None and self._is_much(query, window):
            cursor = {"bulk": None, "attempt": 1}
        if cursor is not None and "bulk" in cursor:
            try:
                yield from self._bulk(query, window, cursor)
                return
            except _BulkFailed:
                cursor = None  # what a failed operation left behind is not trusted: page through it all
        yield from self._pages(query, window, cursor)

    def _is_much(self, query: Query, window: Window) -> bool:
        if window.mode == "first":
            return True
        count = self._count(query, window)
        return count is not None and count > BULK_ABOVE

    def _pages(self, query: Query, window: Window, cursor: Any) -> Iterator[Page]:
        after = (cursor or {}).get("after")
        size = min(self.source.page_size, query.largest_page)
        while True:
            variables = {"n": size, "after": after, "q": _filter(query, window)}
            try:
                reply = self._ask(query.page_text(self.source), variables, f"a page of {query.name}")
            except TooDear:
                if size == 1:
                    raise
                size = (size + 1) // 2
                continue
            connection = reply.json()["data"][query.root]
            items = [edge["node"] for edge in connection["edges"]]
            info = connection["pageInfo"]
            lines = {"page": line(reply.content)}
            if query.more_lines is not None:
                lines |= self._more_lines(query, items)
            after = info["endCursor"] if info["hasNextPage"] else None
            if info["hasNextPage"] and after is None:
                raise SourceFailed(f"a page of {query.name} names no cursor for the next")
            yield Page(lines, None if after is None else {"after": after}, len(items), {"page": items})
            if after is None:
                return

    def _more_lines(self, query: Query, items: list[Mapping[str, Any]]) -> dict[str, bytes]:
        """The lines that did not fit on the page, of each order that has more."""
        found = bytearray()
        for item in items:
            info = item["lineItems"]["pageInfo"]
            while info["hasNextPage"]:
                variables = {"id": item["id"], "after": info["endCursor"]}
                reply = self._ask(str(query.more_lines), variables, "more lines of one order")
                found += line(reply.content, {"parent": item["id"]})
                info = reply.json()["data"]["order"]["lineItems"]["pageInfo"]
        return {"more_lines": bytes(found)} if found else {}

    def _bulk(self, query: Query, window: Window, cursor: dict[str, Any]) -> Iterator[Page]:
        operation = cursor["bulk"]
        if operation is None:
            operation = self._start(query, window)
            yield Page({}, {**cursor, "bulk": operation}, 0, is_milestone=True)
        done = self._finished(operation)
        if done["status"] != "COMPLETED" or (done["url"] is None and int(done["objectCount"]) > 0):
            if cursor["attempt"] >= BULK_ATTEMPTS:
                raise _BulkFailed
            yield from self._bulk(query, window, {"bulk": None, "attempt": cursor["attempt"] + 1})
            return
        if done["url"] is None:
            yield Page({}, None, 0)
            return
        yield from self._file(query, operation, done, cursor)

    def _file(self, query: Query, operation: str, done: Mapping[str, Any], cursor: Mapping[str, Any]) -> Iterator[Page]:
        """The file in portions of whole lines, parents and children apart."""
        offset, lines = int(cursor.get("offset", 0)), int(cursor.get("lines", 0))
        rest = b""
        for portion in self.api.download(done["url"], f"the bulk file of {query.name}", offset):
            whole, separator, rest = (rest + portion).rpartition(b"\n")
            if not separator:
                continue
            whole += separator
            offset += len(whole)
            counted, split, sample = _split(whole)
            lines += counted
            place = {"bulk": operation, "attempt": cursor["attempt"], "offset": offset, "lines": lines}
            yield Page(split, place, counted, sample)
        counted, split, sample = _split(rest + b"\n") if rest.strip() else (0, {}, {})
        if lines + counted != int(done["objectCount"]):
            raise SourceUnavailable(
                f"the bulk file of {query.name} holds {lines + counted:,} of {int(done['objectCount']):,} objects"
            )
        yield Page(split, None, counted, sample)

    def _start(self, query: Query, window: Window) -> str:
        text = "mutation($query: String!) { bulkOperationRunQuery(query: $query) { bulkOperation { id status } userErrors { field message } } }"  # noqa: E501
        inner = query.bulk_text(self.source, _filter(query, window))
        waited = time.monotonic()
        while True:
            answer = self._ask(text, {"query": inner}, f"starting a bulk operation for {query.name}").json()
            started = answer["data"]["bulkOperationRunQuery"]
            if not started["userErrors"]:
                return str(started["bulkOperation"]["id"])
            if time.monotonic() - waited > self.source.call_seconds:
                raise SourceUnavailable(f"no bulk operation for {query.name} can be started: others are running")
            time.sleep(POLL_SECONDS[1])

    def _finished(self, operation: str) -> Mapping[str, Any]:
        text = "query($id: ID!) { node(id: $id) { ... on BulkOperation { id status errorCode objectCount rootObjectCount fileSize url partialDataUrl } } }"  # noqa: E501
        pause, longest = POLL_SECONDS
        while True:
            node = self._ask(text, {"id": operation}, "a bulk operation").json()["data"]["node"]
            if node is None or node["status"] in ("COMPLETED", "FAILED", "CANCELED", "EXPIRED"):
                return node or {"status": "EXPIRED", "url": None, "objectCount": "0"}
            time.sleep(pause)
            pause = min(pause * 1.5, longest)


class _BulkFailed(Exception):
    """Bulk operations do not get through."""


def _filter(query: Query, window: Window) -> str | None:
    """Shopify's search text for a window."""
    parts = [query.filter] if query.filter else []
    for sign, moment in ((">=", window.since), ("<", window.until)):
        if moment is not None:
            parts.append(f"updated_at:{sign}'{_iso(moment)}'")
    return " AND ".join(parts) or None


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


_CHILD = b'"__parentId"'
_SAMPLE = 20


def _split(whole: bytes) -> tuple[int, dict[str, bytes], dict[str, list[Any]]]:
    """Lines of a bulk file by what they are: items themselves, or the lines below them; and a few of each, parsed."""
    rows = whole.splitlines(keepends=True)
    parents = [row for row in rows if _CHILD not in row]
    if len(parents) == len(rows):
        return len(rows), {"bulk": whole}, {"bulk": _sample(rows)}
    children = [row for row in rows if _CHILD in row]
    split = {"bulk": b"".join(parents), "bulk_lines": b"".join(children)}
    return len(rows), {form: lines for form, lines in split.items() if lines}, {
        "bulk": _sample(parents), "bulk_lines": _sample(children),
    }  # fmt: skip


def _sample(rows: list[bytes]) -> list[Any]:
    return [orjson.loads(row) for row in rows[:_SAMPLE]]
