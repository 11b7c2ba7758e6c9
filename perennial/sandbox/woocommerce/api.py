"""A WooCommerce store's REST API v3 over its own records: orders, refunds, customers, products; read only.

What lives here: routes, authentication, answers and faults. What does not: parameters (query.py), choosing (lists.py),
the fields of a record (shapes.py), the demo world (world.py).

How a test makes things happen, all through seed():
    an update       the record again with a later date_modified (or date_modified_gmt)
    to the trash    the order again with status "trash" and a later date: it leaves status=any, status=trash has it
    deleted         {"id": 7, "_gone": true}: no trace of it is left; the refunds of an order go with it
    a refund        into "refunds" with its parent_id: its order names it and counts as modified then
    a refund undone {"id": 9, "_gone": true} in "refunds": its order names it no more and does NOT count as modified
    erased person   the customer or order again with its billing fields as the store's eraser leaves them
Stores do not merge customers. Read in WooCommerce's source: links are prev and next alone; a page behind the last is an
empty list; dates without a zone are compared with local dates, or with GMT ones where dates_are_gmt is true; a bound
is left out. Core limits no rate: `host_limit` is the requests a minute that a host in front lets through, times
`limits`. Keys in the query are refused here, although stores take them: they end in logs.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping, Sequence
from math import ceil
from typing import Any
from zoneinfo import ZoneInfo

from perennial.sandbox.core import PAGE_FAULTS, Answer, Asked, Fault, Window, page
from perennial.sandbox.woocommerce import lists, shapes
from perennial.sandbox.woocommerce.query import Refused, Wanted, read
from perennial.sandbox.woocommerce.shapes import Record

ROOT = "/wp-json/wc/v3"
_JSON = "application/json; charset=UTF-8"
_NUMBER = r"([0-9]{1,18})"
_CANNOT_LIST = (401, "woocommerce_rest_cannot_view", "Sorry, you cannot list resources.")
_INVALID_ID = {
    "orders": "woocommerce_rest_shop_order_invalid_id",
    "customers": "woocommerce_rest_invalid_id",
    "products": "woocommerce_rest_product_invalid_id",
    "refunds": "woocommerce_rest_invalid_order_refund_id",
}
_BAD_GATEWAY = b"<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>"
_WARNING = b"<br />\n<b>Warning</b>:  Undefined array key 1 in <b>/var/www/wp-content/plugins/x.php</b><br />\n"


class WoocommerceApi:
    """One store. `zone` is its clock's; `store_wide_refunds` is GET /refunds, which stores have since 9.0."""

    name = "woocommerce"
    faults: Mapping[str, str] = {
        "bad_gateway_html": "answers 502 with a proxy's HTML page",
        "totals_change": "says there are `pages` more pages (default -1: one fewer), as where records come and go",
        "too_many_requests": "answers 429 in plain text, as a host in front does; Retry-After only with `retry_after`",
        "php_warning": "answers 200 with a PHP warning before the JSON",
        **PAGE_FAULTS,
    }

    def __init__(
        self,
        key: str = "ck_sandbox",
        token: str = "sandbox-woocommerce-token",
        *,
        basic_over_http: bool = True,
        store_wide_refunds: bool = True,
        zone: str = "Europe/London",
        host_limit: int | None = None,
        limits: float = 1.0,
    ) -> None:
        self._key, self._secret = key, token
        self._basic_over_http = basic_over_http
        self._store_wide_refunds = store_wide_refunds
        self._zone = ZoneInfo(zone)
        self._window = None if host_limit is None else Window(max(int(host_limit * limits), 1), 60)
        self._held: dict[str, dict[str, Record]] = {name: {} for name in shapes.TEMPLATES}
        self._refunds_by_order: dict[int, dict[int, Record]] = {}
        self._chosen: dict[tuple[Any, ...], list[Record]] = {}
        # after a page fault: the list → (where the faulty page began, where the next one begins instead)
        self._jumps: dict[tuple[Any, ...], tuple[int, int]] = {}

    def handle(self, asked: Asked) -> Answer:
        refusal = self._host_refusal(asked)
        if refusal is not None:
            return refusal
        try:
            answer = self._route(asked)
        except Refused as refused:
            answer = Answer(refused.status, refused.body(), content_type=_JSON)
        if asked.has_fault("php_warning"):
            return Answer(200, _WARNING + answer.body(), answer.headers, _JSON)
        return answer

    def seed(self, collection: str, records: Sequence[Mapping[str, Any]]) -> int:
        if collection not in self._held:
            raise ValueError(f"woocommerce has no collection {collection!r}; it has {', '.join(self._held)}")
        held = self._held[collection]
        self._chosen.clear()
        for record in records:
            if record.get("_gone"):
                self._remove(collection, str(record["id"]))
                continue
            whole = shapes.complete(collection, record, self._zone)
            present = held.get(str(whole["id"]))
            if present is None or _version(whole) >= _version(present):
                held[str(whole["id"])] = whole
                self._after_change(collection, whole)
        return len(held)

    def held(self) -> Mapping[str, Mapping[str, Mapping[str, Any]]]:
        return self._held

    def _host_refusal(self, asked: Asked) -> Answer | None:
        """What never reaches the store."""
        if asked.has_fault("bad_gateway_html"):
            return Answer(502, _BAD_GATEWAY, content_type="text/html")
        wait = self._window.take(asked.now) if self._window else None
        if wait is None and not asked.has_fault("too_many_requests"):
            return None
        hint = asked.fault.options.get("retry_after") if asked.fault else None
        told = {"Retry-After": str(hint)} if hint is not None else {}
        return Answer(429, b"Too Many Requests", told, "text/plain")

    def _route(self, asked: Asked) -> Answer:
        """WordPress's order: wrong keys, then no such route, then wrong parameters, then no right to look."""
        may_read = self._authenticated(asked)
        if may_read and asked.method != "GET":
            message = "The API key provided does not have write permissions."
            raise Refused(401, "woocommerce_rest_authentication_error", message)
        path = asked.path.removeprefix(ROOT) if asked.path.startswith(ROOT + "/") else ""
        for pattern, answer in (
            (r"/(orders|customers|products)", self._list),
            (rf"/(orders|customers|products)/{_NUMBER}", self._single),
            (rf"/orders/{_NUMBER}/refunds", self._refunds_of),
            (rf"/orders/{_NUMBER}/refunds/{_NUMBER}", self._refund_of),
            (r"/(refunds)", self._list if self._store_wide_refunds else None),
        ):
            match = re.fullmatch(pattern, path)
            if match and answer is not None and asked.method == "GET":
                return answer(asked, may_read, *match.groups())
        raise Refused(404, "rest_no_route", "No route was found matching the URL and request method.")

    def _authenticated(self, asked: Asked) -> bool:
        """Whether the request bears the store's keys; one without keys is a stranger, wrong ones are an error."""
        is_safe = asked.base_url.startswith("https:") or self._basic_over_http
        scheme, _, credentials = asked.headers.get("authorization", "").partition(" ")
        if not is_safe or scheme.lower() != "basic":
            return False
        try:
            key, _, secret = base64.b64decode(credentials, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return False
        for given, right, what in ((key, self._key, "key"), (secret, self._secret, "secret")):
            if given != right:
                raise Refused(401, "woocommerce_rest_authentication_error", f"Consumer {what} is invalid.")
        return True

    def _list(self, asked: Asked, may_read: bool, collection: str) -> Answer:
        return self._page(asked, may_read, collection, list(self._held[collection].values()))

    def _refunds_of(self, asked: Asked, may_read: bool, order: str) -> Answer:
        return self._page(asked, may_read, "refunds", [shapes.without_parent(each) for each in self._refunds(order)])

    def _single(self, asked: Asked, may_read: bool, collection: str, number: str) -> Answer:
        return self._one(asked, may_read, collection, self._held[collection].get(str(int(number))))

    def _refund_of(self, asked: Asked, may_read: bool, order: str, number: str) -> Answer:
        found = [shapes.without_parent(each) for each in self._refunds(order) if each["id"] == int(number)]
        return self._one(asked, may_read, "refunds", found[0] if found else None)

    def _one(self, asked: Asked, may_read: bool, collection: str, record: Record | None) -> Answer:
        if not may_read:
            raise Refused(401, "woocommerce_rest_cannot_view", "Sorry, you cannot view this resource.")
        if record is None:
            raise Refused(404, _INVALID_ID[collection], "Invalid ID.")
        content = self._as_shown(asked, collection, record, ())
        return Answer(200, content, content_type=_JSON, records=1, ids=[str(record["id"])])

    def _page(self, asked: Asked, may_read: bool, collection: str, records: list[Record]) -> Answer:
        wanted = read(collection, asked.query)
        if not may_read:
            raise Refused(*_CANNOT_LIST)
        this_list = (asked.path, wanted.same_list)
        if this_list not in self._chosen:
            self._chosen[this_list] = lists.choose(records, wanted, self._zone)
        meant = self._chosen[this_list]
        rows = page(meant, self._start(asked, wanted), wanted.per_page, asked.fault).items
        total, pages = _totals(len(meant), len(rows), wanted, asked.fault)
        address = asked.base_url + asked.path
        return Answer(
            200,
            [self._as_shown(asked, collection, record, wanted.fields) for record in rows],
            lists.headers(address, asked.query, wanted.page, pages, total),
            _JSON,
            records=len(rows),
            ids=[str(record["id"]) for record in rows],
        )

    def _start(self, asked: Asked, wanted: Wanted) -> int:
        """Where the page begins. Clients name pages themselves, so a page fault is played on the request after it."""
        this_list, start = (asked.path, wanted.same_list), wanted.start
        began, instead = self._jumps.get(this_list, (start, start))
        if start > began or start == 0:
            self._jumps.pop(this_list, None)
        if start > began:
            start = instead
        if asked.has_fault("page_repeated"):
            self._jumps[this_list] = (start, start)
        elif asked.has_fault("page_skipped"):
            self._jumps[this_list] = (start, start + 2 * wanted.per_page)
        return start

    def _as_shown(self, asked: Asked, collection: str, record: Record, fields: tuple[str, ...]) -> Record:
        whole = asked.base_url + ROOT + "/" + collection
        if collection == "refunds":
            whole = asked.base_url + asked.path.split("/refunds")[0] + "/refunds"
        links = {"self": [{"href": f"{whole}/{record['id']}"}], "collection": [{"href": whole}]}
        return lists.shown({**record, "_links": links}, fields)

    def _refunds(self, order: str) -> list[Record]:
        if str(int(order)) not in self._held["orders"]:
            raise Refused(404, "woocommerce_rest_invalid_order_id", "Invalid order ID.")
        return list(self._refunds_by_order.get(int(order), {}).values())

    def _remove(self, collection: str, number: str) -> None:
        gone = self._held[collection].pop(number, None)
        if gone is not None and collection == "refunds":
            del self._refunds_by_order[gone["parent_id"]][gone["id"]]
            self._show_refunds(gone["parent_id"])
        elif gone is not None and collection == "orders":
            for refund in self._refunds_by_order.pop(gone["id"], {}):
                del self._held["refunds"][str(refund)]

    def _after_change(self, collection: str, record: Record) -> None:
        if collection == "orders":
            self._show_refunds(record["id"])
        elif collection == "refunds":
            self._refunds_by_order.setdefault(record["parent_id"], {})[record["id"]] = record
            order = self._held["orders"].get(str(record["parent_id"]))
            if order is not None and record["date_created_gmt"] > order["date_modified_gmt"]:
                order["date_modified"], order["date_modified_gmt"] = record["date_created"], record["date_created_gmt"]
            self._show_refunds(record["parent_id"])

    def _show_refunds(self, order_id: int) -> None:
        """An order names its refunds, their totals below zero."""
        order = self._held["orders"].get(str(order_id))
        if order is not None:
            refunds = self._refunds_by_order.get(order_id, {}).values()
            order["refunds"] = [
                {"id": each["id"], "reason": each["reason"], "total": f"-{each['amount']}"} for each in refunds
            ]


def _version(record: Record) -> str:
    return str(record.get("date_modified_gmt") or record["date_created_gmt"])


def _totals(total: int, handed: int, wanted: Wanted, fault: Fault | None) -> tuple[int, int]:
    """How many records and pages the answer says there are."""
    if fault is not None and fault.name in ("page_half", "page_empty"):
        total = min(total, wanted.start + handed)
    elif fault is not None and fault.name == "totals_change":
        total = max(total + int(fault.options.get("pages", -1)) * wanted.per_page, 0)
    return total, ceil(total / wanted.per_page)
