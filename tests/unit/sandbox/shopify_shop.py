"""Shops on loopback for the tests, all behind one server with one clock: asking them, and small records.

Every value in the records is invented. A shop has a prefix of its own, so that one test's shop is not another's.
"""

from __future__ import annotations

import atexit
import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import httpx

from perennial.sandbox.core import Entry
from perennial.sandbox.server import Sandbox, running
from perennial.sandbox.shopify.api import ShopifyApi

TOKEN = "sandbox-shopify-token"
NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
PAGE = """query($n:Int!,$after:String,$q:String){ customers(first:$n, after:$after, query:$q, sortKey:UPDATED_AT){
    edges{ cursor node{ id updatedAt } } pageInfo{ hasNextPage endCursor } } }"""
POLL = """query($id:ID!){ node(id:$id){ ... on BulkOperation { id status errorCode createdAt completedAt objectCount
    rootObjectCount fileSize url partialDataUrl } } }"""
RUN = """mutation($q:String!,$g:Boolean){ bulkOperationRunQuery(query:$q, groupObjects:$g){
    bulkOperation{ id status createdAt } userErrors{ field message code } } }"""


class Place:
    """The one server, and its clock."""

    def __init__(self) -> None:
        self.now = NOW
        self.sandbox = Sandbox([], clock=lambda: self.now)
        self.root = ""


@cache
def _place() -> Place:
    place, stack = Place(), ExitStack()
    place.root = stack.enter_context(running(place.sandbox.app()))
    atexit.register(stack.close)
    return place


class Shop:
    """One shop and a client without a token. The clock stands still until it is moved."""

    def __init__(self, place: Place, **options: Any) -> None:
        self.api = ShopifyApi(**options)
        self.place = place
        self.name = f"shopify-{len(place.sandbox.vendors) + 1}"
        place.sandbox.vendors[self.name] = self.api
        # certificates are of no use here, and reading them takes longer than a test
        self.client = httpx.Client(base_url=f"{place.root}/{self.name}", timeout=10, verify=False)

    @property
    def now(self) -> datetime:
        return self.place.now

    def wait(self, seconds: float) -> None:
        self.place.now += timedelta(seconds=seconds)

    def arm(self, fault: str, **options: Any) -> None:
        self.place.sandbox.arm(self.name, fault, **options)

    def journal(self) -> list[Entry]:
        return self.place.sandbox.journal.of(self.name)

    def post(self, query: str, version: str = "2026-10", token: str = TOKEN, /, **variables: Any) -> httpx.Response:
        return self.client.post(
            f"/admin/api/{version}/graphql.json",
            json={"query": query, "variables": variables},
            headers={"X-Shopify-Access-Token": token},
        )

    def ask(self, query: str, /, **variables: Any) -> dict[str, Any]:
        answer = self.post(query, **variables)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def data(self, query: str, /, **variables: Any) -> dict[str, Any]:
        answer = self.ask(query, **variables)
        assert "errors" not in answer, answer
        return dict(answer["data"])

    def error(self, query: str, /, **variables: Any) -> dict[str, Any]:
        """The first error of an answer without data."""
        answer = self.ask(query, **variables)
        assert answer.get("data") is None
        return dict(answer["errors"][0])

    def walk(self, size: int, **variables: Any) -> Iterator[list[str]]:
        """Pages of customers' ids, in the order of their change."""
        after = None
        while True:
            page = self.data(PAGE, n=size, after=after, **variables)["customers"]
            yield [edge["node"]["id"] for edge in page["edges"]]
            after = page["pageInfo"]["endCursor"]
            if not page["pageInfo"]["hasNextPage"]:
                return

    def run(self, query: str, **variables: Any) -> dict[str, Any]:
        """Start a bulk operation: the mutation's payload."""
        return dict(self.data(RUN, q=query, **variables)["bulkOperationRunQuery"])

    def poll(self, gid: str) -> dict[str, Any]:
        return dict(self.data(POLL, id=gid)["node"])

    def lines(self, url: str) -> list[dict[str, Any]]:
        """The lines of a bulk operation's file, read without a token."""
        answer = self.client.get(url)
        assert answer.status_code == 200
        assert answer.content.endswith(b"\n")
        return [json.loads(line) for line in answer.content.splitlines()]

    def finished(self, query: str, **variables: Any) -> dict[str, Any]:
        """Start a bulk operation and ask until it is done."""
        gid = self.run(query, **variables)["bulkOperation"]["id"]
        for _ in range(50):
            operation = self.poll(gid)
            if operation["status"] not in ("CREATED", "RUNNING"):
                return operation
        raise AssertionError("the bulk operation is never done")


@contextmanager
def open_shop(**options: Any) -> Iterator[Shop]:
    place = _place()
    place.now = NOW
    shop = Shop(place, **options)
    with shop.client:
        yield shop
    place.sandbox.faults.disarm()


def customer(number: int, updated: str = "2026-11-01T00:00:00Z", **more: Any) -> dict[str, Any]:
    return {"id": f"gid://shopify/Customer/{number}", "createdAt": updated, "updatedAt": updated, **more}


def product(number: int, **more: Any) -> dict[str, Any]:
    when = "2026-01-01T00:00:00Z"
    return {"id": f"gid://shopify/Product/{number}", "createdAt": when, "updatedAt": when, "status": "ACTIVE", **more}


def checkout(number: int, updated: str = "2026-11-01T00:00:00Z", **more: Any) -> dict[str, Any]:
    return {"id": f"gid://shopify/AbandonedCheckout/{number}", "createdAt": updated, "updatedAt": updated, **more}


def money(amount: str) -> dict[str, Any]:
    one = {"amount": amount, "currencyCode": "GBP"}
    return {"shopMoney": one, "presentmentMoney": one}


def order(number: int, updated: str = "2026-11-01T00:00:00Z", lines: int = 2, **more: Any) -> dict[str, Any]:
    items = [
        {"id": f"gid://shopify/LineItem/{number * 100 + place}", "quantity": place, "title": f"Thing {place}",
         "product": {"id": "gid://shopify/Product/1"}, "originalUnitPriceSet": money("9.99")}
        for place in range(1, lines + 1)
    ]  # fmt: skip
    return {
        "id": f"gid://shopify/Order/{number}", "name": f"#{number}", "createdAt": updated, "processedAt": updated,
        "updatedAt": updated, "totalPriceSet": money("19.98"), "lineItems": items, "refunds": [], **more,
    }  # fmt: skip


def refund(number: int, line: str, amount: str) -> dict[str, Any]:
    item = {"id": f"gid://shopify/RefundLineItem/{number}", "quantity": 1, "lineItem": {"id": line},
            "subtotalSet": money(amount)}  # fmt: skip
    return {"id": f"gid://shopify/Refund/{number}", "createdAt": "2026-11-02T00:00:00Z",
            "totalRefundedSet": money(amount), "refundLineItems": [item]}  # fmt: skip
