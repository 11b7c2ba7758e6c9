"""Shopify over its GraphQL Admin API: bulk operations for much, cursor pages for little.

What lives here: signing in, what Shopify's answers mean, the streams, pages. What does not: bulk operations (bulk.py),
the queries and the schemas of what they return (queries.py, orders.py), rows' meaning (models/staging/shopify).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import httpx
import orjson

from perennial.config.secrets import resolve
from perennial.config.vendors.shopify import Settings
from perennial.sources.api.answers import PASSING, wait_asked_for
from perennial.sources.api.http import Api, Bearer, Busy, Reply, Unusable
from perennial.sources.api.payloads import line
from perennial.sources.base import Page, ShapeChanged, SourceFailed, Stream, Window
from perennial.sources.shopify.bulk import FIRST_ATTEMPT, Bulk, BulkFailed
from perennial.sources.shopify.orders import MORE_REFUNDS, REFUND_IDS, REFUNDED_LINES, REFUNDS, has_more_refunds
from perennial.sources.shopify.parts import Query, pages_of
from perennial.sources.shopify.queries import QUERIES

TOKEN_HEADER = "X-Shopify-Access-Token"
BULK_ABOVE = 250  # more items than this are asked for as one file: it costs nothing of the rate
_FIELD = re.compile(r"Field '([A-Za-z_]{1,60})' doesn't exist on type '([A-Za-z_]{1,60})'")
_CODE = re.compile(r"[A-Za-z_]{1,60}")
EVERYTHING = Window(mode="incremental")  # of any time; little is paged
_PASSING = ("INTERNAL_SERVER_ERROR", "TIMEOUT")


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


class Refused(SourceFailed):
    """Shopify does not take this query as it stands, or a cursor in it."""


class _ClientCredentials(httpx.Auth):
    """A token bought with the app's secret, bought anew once where it is refused."""

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
        status = answer.status_code
        if status in PASSING or status >= 500:
            raise Busy(f"signing in answered HTTP {status}", wait_asked_for(answer.headers, datetime.now(UTC)))
        if status != 200:
            raise SourceFailed(f"signing in answered HTTP {status}; check `client_id` and the secret of `token_env`")
        answer.read()
        try:
            self._token = str(orjson.loads(answer.content)["access_token"])
        except (ValueError, LookupError, TypeError):
            raise Unusable("signing in answered HTTP 200 without a token") from None


def judge(reply: Reply) -> None:
    """Shopify's 200 that are none: throttled, refused, failed."""
    if reply.status != 200:
        return
    content = reply.parsed()
    errors = content.get("errors") if isinstance(content, dict) else None
    for error in errors if isinstance(errors, list) else [errors] if errors else ():
        extensions = error.get("extensions") if isinstance(error, dict) else None
        code = extensions.get("code") if isinstance(extensions, dict) else None
        if code == "THROTTLED":
            raise Busy("throttled", _until_restored(content))
        if code == "ACCESS_DENIED":
            raise SourceFailed("the token lacks a scope this query needs; docs/sources.md lists them")
        if code == "MAX_COST_EXCEEDED":
            raise TooDear("one query costs more than Shopify allows; choose a smaller `page_size`")
        if code == "undefinedField" and (found := _FIELD.search(str(error.get("message")))):
            raise ShapeChanged(
                f"column {found[1]} of {found[2]} is no longer there; pin `api_version` to one that has it, or mend the"
                f" mapping (docs/sources.md, schema drift)"
            )
        if not isinstance(code, str) or not _CODE.fullmatch(code):
            raise Unusable("answered HTTP 200 and reports an error")
        if code in _PASSING:
            raise Busy(f"reports an error ({code})")
        raise Refused(f"does not take a query ({code}); check `api_version`")


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
        self._bulk = Bulk(source, api, self._ask)

    def streams(self) -> list[Stream]:
        return [self._stream(query) for query in QUERIES if self.source.find_deleted or query.finds_deleted is None]

    def probe(self) -> None:
        self._ask("{ shop { id } }", {}, "the shop")

    def close(self) -> None:
        self.api.close()

    def _stream(self, query: Query) -> Stream:
        def read(window: Window, cursor: Any) -> Iterator[Page]:
            return self._read(query, window, cursor)

        def total(window: Window) -> int | None:
            count, is_exact = self._count(query, window)
            return count if is_exact else None

        if query.finds_deleted is not None:
            return Stream(
                query.name, query.forms, lambda _, cursor: read(EVERYTHING, cursor), query.table, query.key,
                updated=None, total=lambda _: total(EVERYTHING), is_whole=True, deletes_absent=True,
                buries=(query.finds_deleted,),
            )  # fmt: skip
        if query.lists_refunds:  # how many refunds orders hold, nobody counts
            return Stream(query.name, query.forms, read, query.table, query.key, ids=self._refund_ids)
        return Stream(query.name, query.forms, read, query.table, query.key, total=total)

    def _ask(self, query: str, variables: Mapping[str, Any], what: str) -> Reply:
        return self.api.ask("POST", self._path, what, json={"query": query, "variables": dict(variables)})

    def _count(self, query: Query, window: Window) -> tuple[int, bool]:
        """How many items a window holds, and whether that is exact or the least."""
        text = f"query($q: String) {{ {query.root}Count(query: $q, limit: null) {{ count precision }} }}"
        answer = self._ask(text, {"q": search_text(query, window)}, f"the number of {query.name}").json()
        counted = answer["data"][f"{query.root}Count"]
        return int(counted["count"]), counted["precision"] == "EXACT"

    def _read(self, query: Query, window: Window, cursor: Any) -> Iterator[Page]:
        if cursor is None and query.bulk_node is not None and self._is_much(query, window):
            cursor = FIRST_ATTEMPT
        if cursor is not None and "bulk" in cursor:
            try:
                yield from self._bulk.read(query, search_text(query, window), cursor)
                return
            except BulkFailed:
                cursor = None  # what a failed operation left behind is not trusted: page through it all
        for reply, following in self._walk(query, query.page_text, window, cursor, query.largest_page):
            items = [edge["node"] for edge in reply.json()["data"][query.root]["edges"]]
            forms = {"page": line(reply.content), **self._more(query, items)}
            yield Page(forms, following, len(items), {"page": items})

    def _is_much(self, query: Query, window: Window) -> bool:
        if window.mode == "first":
            return True
        count, is_exact = self._count(query, window)
        return count > BULK_ABOVE or not is_exact

    def _walk(
        self, query: Query, text: Callable[[Settings, str], str], window: Window, cursor: Any, largest: int
    ) -> Iterator[tuple[Reply, Any]]:
        """Pages of a list, each with the cursor for the next. A page that is too dear is asked for in halves. Where a
        cursor is not taken, because it is too old or too deep in the list, everything is walked by id, without any."""
        place = {"after": None, **(cursor or {})}
        size = min(self.source.page_size, largest)
        wanted = search_text(query, window)
        while True:
            by_id = place.get("from_id")
            sort = query.sort if by_id is None else "ID"
            searched = wanted if by_id is None else " AND ".join(each for each in (wanted, f"id:>={by_id}") if each)
            variables = {"n": size, "after": place["after"], "q": searched}
            try:
                reply = self._ask(text(self.source, sort), variables, f"a page of {query.name}")
            except TooDear:
                if size == 1:
                    raise
                size = (size + 1) // 2
                continue
            except Refused:
                if place["after"] is None:
                    raise
                place = {"after": None, "from_id": 0}
                continue
            following = _after(query, reply.json()["data"][query.root], by_id)
            yield reply, following
            if following is None:
                return
            place = {"after": None, **following}

    def _more(self, query: Query, items: list[Mapping[str, Any]]) -> dict[str, bytes]:
        """What did not fit on the page, of each item that has more."""
        found: dict[str, list[bytes]] = {}
        for item in items:
            if query.more_lines is not None:
                found.setdefault("more_lines", []).extend(self._more_lines(query.more_lines, item))
            if query.lists_refunds and has_more_refunds(item):
                found.setdefault("more_refunds", []).extend(self._more_refunds(item["id"]))
        return {form: b"".join(lines) for form, lines in found.items() if lines}

    def _more_lines(self, text: str, item: Mapping[str, Any]) -> Iterator[bytes]:
        info = item["lineItems"]["pageInfo"]
        while info["hasNextPage"]:
            reply = self._ask(text, {"id": item["id"], "after": info["endCursor"]}, "more lines")
            node = reply.json()["data"]["node"]
            if node is None:
                return  # deleted meanwhile
            yield line(reply.content, {"parent": item["id"], "updated": item["updatedAt"]})
            info = node["lineItems"]["pageInfo"]

    def _more_refunds(self, order: str) -> Iterator[bytes]:
        """Everything that one order paid back, as one payload line of whole answers."""
        pages: list[bytes] = []
        waiting: list[tuple[str | None, str | None]] = [(None, None)]
        size = REFUNDED_LINES
        while waiting:
            refund, after = waiting[-1]
            try:
                reply = self._ask(MORE_REFUNDS, {"id": order, "n": size, "after": after}, "the refunds of one order")
            except TooDear:
                if size == 1:
                    raise
                size = (size + 1) // 2
                continue
            waiting.pop()
            node = reply.json()["data"]["node"]
            if node is None:
                return  # deleted meanwhile
            pages.append(line(reply.content, {"refund": refund}).rstrip(b"\n"))
            for each in node["refunds"]:
                info = each["refundLineItems"]["pageInfo"]
                if info["hasNextPage"] and refund in (None, each["id"]):
                    waiting.append((each["id"], info["endCursor"]))
        yield b'{"pages":[' + b",".join(pages) + b"]}\n"

    def _refund_ids(self, window: Window) -> Iterator[Sequence[str]]:
        """The refunds of a window by another way: in the order of their orders' ids."""
        query = replace(REFUNDS, sort="ID")
        for reply, _ in self._walk(query, lambda _, sort: pages_of(query.root, REFUND_IDS, sort), window, None, 250):
            orders = [edge["node"] for edge in reply.json()["data"][query.root]["edges"]]
            yield [_number(refund["id"]) for order in orders for refund in order["refunds"]]


def _after(query: Query, connection: Mapping[str, Any], by_id: int | None) -> dict[str, Any] | None:
    """Where the page after this one begins."""
    info, edges = connection["pageInfo"], connection["edges"]
    if not info["hasNextPage"]:
        return None
    if by_id is not None and edges:
        following = int(_number(edges[-1]["node"]["id"])) + 1
        if following <= by_id:
            raise SourceFailed(f"{query.name}: a list does not go on behind an id")
        return {"from_id": following}
    if info["endCursor"] is None:
        raise SourceFailed(f"a page of {query.name} names no cursor for the next")
    return {"after": info["endCursor"]}


def _number(gid: str) -> str:
    return gid.rsplit("/", 1)[1]


def search_text(query: Query, window: Window) -> str | None:
    """Shopify's search text for a window."""
    parts = [query.filter] if query.filter else []
    for sign, moment in ((">=", window.since), ("<", window.until)):
        if moment is not None:
            parts.append(f"updated_at:{sign}'{_iso(moment)}'")
    return " AND ".join(parts) or None


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
