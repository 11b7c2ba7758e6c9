"""WooCommerce over its REST API v3.

What lives here: signing in, what a store's answers mean, the streams. What does not: going through lists (walk.py), the
records (records.py), rows' meaning (models/staging/woocommerce).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC
from typing import Any

import httpx
import orjson

from perennial.config.secrets import resolve
from perennial.config.vendors.woocommerce import Settings
from perennial.sources.api.http import Api, Busy, Reply
from perennial.sources.api.payloads import line
from perennial.sources.base import Form, Page, SourceFailed, Stream, Window
from perennial.sources.woocommerce import records
from perennial.sources.woocommerce.walk import Ask, ByTime, Piece, by_id, by_time, field

# Orders and products in the trash are not among status=any, and asked for after it: what is thrown away meanwhile moves
# on to where it is still to be read.
PHASES = ("any", "trash")
COUNTS = 3


def sign_in(source: Settings, env: Mapping[str, str]) -> Api:
    """A client of this store."""
    key, secret = resolve(env, source.key_env, "key_env"), resolve(env, source.token_env, "token_env")
    return Api(source, source.base_url, auth=httpx.BasicAuth(key, secret), judge=judge)


class NoRoute(SourceFailed):
    """The store does not know this part of the API."""


class Gone(SourceFailed):
    """What was asked for by its id is no longer there."""


def judge(reply: Reply) -> None:
    """What a store, or a plugin or host before it, means beyond HTTP."""
    if reply.status == 403 and _code(reply) is None:
        raise Busy("answered HTTP 403 with something that is not WooCommerce's")  # a firewall that had enough of us
    if reply.status != 404:
        return
    code = _code(reply) or ""
    if code == "rest_no_route":
        raise NoRoute(
            "no such route; check `base_url` and `api_version`; the store's permalinks must not be plain ones"
        )
    if code.endswith(("_invalid_id", "_invalid_order_id")):
        raise Gone("no longer there")


def _code(reply: Reply) -> str | None:
    """WooCommerce's word for an error; none where the answer is not its own."""
    try:
        content = orjson.loads(reply.content)
    except orjson.JSONDecodeError:
        return None
    code = content.get("code") if isinstance(content, dict) else None
    return code if isinstance(code, str) else None


class Adapter:
    """One store."""

    def __init__(self, source: Settings, api: Api) -> None:
        self.source, self.api = source, api

    def streams(self) -> list[Stream]:
        found = [
            self._whole("customers", "customer_id", records.customers(self.source.opt_in_key), {"role": "all"}),
            self._changed("products", "product_id", records.PRODUCTS),
        ]
        if self.source.refunds_from == "orders":
            return [*found, self._changed("orders", "order_id", records.ORDERS_WITH_REFUNDS)]
        # refunds after orders: one that is made meanwhile comes with an order that is read again the next night
        return [
            *found,
            self._changed("orders", "order_id", records.ORDERS),
            self._whole("refunds", "refund_id", records.REFUNDS, {}),
        ]

    def probe(self) -> None:
        self._ask("orders", {"per_page": 1, "_fields": "id"}, "one order")

    def _ask(self, path: str, params: Mapping[str, Any], what: str) -> Reply:
        try:
            return self.api.ask("GET", f"/wp-json/wc/{self.source.api_version}/{path}", what, params=params)
        except NoRoute as error:
            if path == "refunds":
                said = "the store has no list of all refunds (WooCommerce before 9.0); set `refunds_from: orders`"
                raise SourceFailed(said) from None
            raise SourceFailed(f"{what}: {error}") from None

    def _asking(self, path: str, params: Mapping[str, Any], what: str) -> Ask:
        return lambda more: self._ask(path, {**params, **more}, what)

    def _count(self, path: str, params: Mapping[str, Any], what: str) -> int | None:
        """How many records a list holds, where the store says so twice in a row."""
        said = None
        for _ in range(COUNTS):
            reply = self._ask(path, {**params, "per_page": 1, "_fields": "id"}, f"the number of {what}")
            text = reply.headers.get("x-wp-total", "")
            if not text.isdigit():
                return None
            if int(text) == said:
                return said
            said = int(text)
        return None

    def _changed(self, name: str, key: str, forms: Mapping[str, Form]) -> Stream:
        """A list that knows "changed since"."""
        listing = ByTime()

        def read(window: Window, cursor: Any) -> Iterator[Page]:
            phase, place = (cursor["status"], cursor["place"]) if cursor is not None else (PHASES[0], None)
            for status in PHASES[PHASES.index(phase) :]:
                ask = self._asking(name, {"status": status}, f"a page of {name}")
                since, until = _utc(window.since), _utc(window.until)
                for piece in by_time(ask, listing, self.source.page_size, since, until, place):
                    yield self._page(name, piece, _next(status, piece))
                place = None

        def total(window: Window) -> int | None:
            bounds = listing.params(_utc(window.since), _utc(window.until))
            counts = [self._count(name, {**bounds, "status": status}, name) for status in PHASES]
            return None if None in counts else sum(count or 0 for count in counts)

        return Stream(name, forms, read, name, key, total=total)

    def _whole(self, name: str, key: str, forms: Mapping[str, Form], params: Mapping[str, str]) -> Stream:
        """A list that must be read whole to know what changed, and what is gone."""

        def read(window: Window, cursor: Any) -> Iterator[Page]:
            for piece in by_id(self._asking(name, params, f"a page of {name}"), {}, self.source.page_size, cursor):
                yield self._page(name, piece, piece.place)

        def total(window: Window) -> int | None:
            return self._count(name, params, name)

        return Stream(name, forms, read, name, key, total=total, is_whole=True, deletes_absent=True)

    def _page(self, name: str, piece: Piece, place: Any) -> Page:
        lines = {"page": line(piece.reply.content)}
        items: dict[str, Sequence[Any]] = {"page": records.watched(piece.records)}
        if name == "orders" and self.source.refunds_from == "orders":
            more, found = self._refunds(piece.records)
            if found:
                lines["refunds"], items["refunds"] = more, records.watched(found)
        return Page(lines, place, len(piece.records), items)

    def _refunds(self, orders: Sequence[Mapping[str, Any]]) -> tuple[bytes, list[Any]]:
        """The refunds of the orders that name some, order by order."""
        lines: bytearray = bytearray()
        found: list[Any] = []
        for number in [field(order, "id") for order in orders if field(order, "refunds")]:
            ask = self._asking(f"orders/{number}/refunds", {}, "the refunds of one order")
            try:
                for piece in by_id(ask, {}, self.source.page_size, None):
                    lines += line(piece.reply.content, {"order_id": str(number)})
                    found += piece.records
            except Gone:
                continue  # thrown away since its order was read
        return bytes(lines), found


def _next(status: str, piece: Piece) -> Any:
    if piece.place is not None:
        return {"status": status, "place": piece.place}
    following = PHASES.index(status) + 1
    return {"status": PHASES[following], "place": None} if following < len(PHASES) else None


def _utc(moment: Any) -> Any:
    return None if moment is None else moment.astimezone(UTC)
