"""Shopify's Admin API: one GraphQL endpoint, client-credentials tokens, and the files of bulk operations.

What lives here: HTTP, tokens, versions, the bucket, faults. What does not: GraphQL (language.py, plan.py,
answering.py).
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl

from perennial.sandbox.core import PAGE_FAULTS, Answer, Asked
from perennial.sandbox.shopify.answering import Answering, Rights
from perennial.sandbox.shopify.bulk import FAULTS as BULK_FAULTS
from perennial.sandbox.shopify.bulk import FILE_PATH, BulkOperations
from perennial.sandbox.shopify.cost import SINGLE_QUERY_MOST, Bucket, requested_cost
from perennial.sandbox.shopify.language import Refused, parse
from perennial.sandbox.shopify.plan import Part, plan
from perennial.sandbox.shopify.records import Records

SCOPES = ("read_customers", "read_orders", "read_all_orders", "read_products")
TOKEN_LIFE = timedelta(hours=24)
_GRAPHQL = re.compile(r"/admin/api/([\w-]+)/graphql\.json")
_LIMITS_PAGE = "https://shopify.dev/api/usage/rate-limits"
_BAD_TOKEN = "[API] Invalid API key or access token (unrecognized login or wrong password)"
_FIVE_AT_ONCE_SINCE = "2026-01"


class ShopifyApi:
    """One shop. Collections: customers, orders, products, abandonedCheckouts (see schema.py for their fields).

    `limits` multiplies the bucket and its restoring; a query may never cost more than 1,000 points. `version` is the
    newest one there is: the four quarters before it are served too, older ones fall forward to the oldest of them, a
    later or unknown one is 404. `tokens_by_credentials`: (client_id, client_secret) → the token they are given; it
    lives 24 hours, and a new one is given out after it has gone. `scopes` as in SCOPES; without read_all_orders the
    orders of the last 60 days are all there are. `page_depth`: Shopify documents that lists can be paged to 25,000
    records; none plays the other reading. `without`: fields, as Order.email, that the schema has lost. `bulk_polls`:
    at which question a bulk operation is done.
    """

    name = "shopify"
    faults: Mapping[str, str] = {
        "throttled": "answers 200 THROTTLED, the bucket drained so that `seconds` (default 1) must pass",
        "too_many_requests": "answers 429 with Retry-After: 2.0",
        "token_expired": "answers 401; a token from client credentials is worth nothing from then on",
        "internal_error": "answers 200 with INTERNAL_SERVER_ERROR and no data",
        **BULK_FAULTS,
        **PAGE_FAULTS,
    }

    def __init__(
        self, *, token: str = "sandbox-shopify-token", version: str = "2026-10", limits: float = 1.0,
        restore_rate: float = 100.0, tokens_by_credentials: Mapping[tuple[str, str], str] | None = None,
        bulk_polls: int = 2, scopes: Sequence[str] = SCOPES, page_depth: int | None = None,
        without: Sequence[str] = (),
    ) -> None:  # fmt: skip
        self.versions = _quarters_to(version)
        self.records = Records()
        self.bulk = BulkOperations(self.records, bulk_polls)
        self.bucket = Bucket(restore_rate * limits)
        self.rights = Rights(tuple(scopes), page_depth, frozenset(without))
        self._token = token
        self._credentials = dict(tokens_by_credentials or {})
        self._given: dict[str, datetime] = {}  # token of client credentials → when it ends
        self._given_out = 0
        self._requests = 0

    def seed(self, collection: str, records: Sequence[Mapping[str, Any]]) -> int:
        """Records as GraphQL shows them, with every field they have; connections as plain lists of nodes.

        The newest updatedAt counts, at equal ones the later seeding. A field that the type does not have is refused.
        A reference ({"customer": {"id": …}}) is answered with the record as it is held. How Shopify shows an end:
        deleted: gone from every list and null wherever it was referred to: seed {"id": …, "__deleted": True};
        archived: a product with status ARCHIVED, an order with closedAt; cancelled: an order with cancelledAt and
        cancelReason; customers merged: one of them deleted, its orders seeded with the other one and a newer updatedAt;
        refunded: the order seeded with the refund among its refunds and a newer updatedAt.
        """
        return self.records.seed(collection, records)

    def held(self) -> Mapping[str, Mapping[str, Mapping[str, Any]]]:
        return self.records.held

    def handle(self, asked: Asked) -> Answer:
        self._requests += 1
        match = _GRAPHQL.fullmatch(asked.path)
        version = self._served(match.group(1)) if match else None
        if asked.fault is not None and asked.fault.name in BULK_FAULTS:
            self.bulk.waiting_fault = asked.fault
        if FILE_PATH.fullmatch(asked.path) and asked.method == "GET":
            return self.bulk.file(asked.path, asked.now)
        if asked.path == "/admin/oauth/access_token":
            answer = self._give_token(asked)
        elif version is None:
            answer = Answer(404, {"errors": "Not Found"})
        else:
            answer = self._checked(asked, version)
        headers = {"X-Request-ID": self._request_id(), **({"X-Shopify-API-Version": version} if version else {})}
        return replace(answer, headers={**answer.headers, **headers})

    def _request_id(self) -> str:
        return str(uuid.UUID(int=self._requests))

    def _served(self, wanted: str) -> str | None:
        if wanted in self.versions or wanted == "unstable":
            return wanted
        if re.fullmatch(r"20\d\d-(01|04|07|10)", wanted) and wanted < self.versions[0]:
            return self.versions[0]
        return None

    def _checked(self, asked: Asked, version: str) -> Answer:
        """Everything that is refused before the query is read."""
        if asked.has_fault("too_many_requests"):
            return Answer(429, {"errors": "Too Many Requests"}, {"Retry-After": "2.0"})
        if asked.method != "POST":
            return Answer(405, {"errors": "Method Not Allowed"})
        token = asked.headers.get("x-shopify-access-token", "")
        if asked.has_fault("token_expired"):
            self._given.pop(token, None)
            return Answer(401, {"errors": _BAD_TOKEN})
        if token != self._token and not self._is_alive(token, asked.now):
            return Answer(401, {"errors": _BAD_TOKEN})
        if asked.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
            return Answer(415, {"errors": "Unsupported Media Type"})
        try:
            body = asked.json()
            json.dumps(body, ensure_ascii=False).encode()  # half a character cannot be answered with
        except (ValueError, RecursionError):
            return Answer(400, {"errors": {"base": "Invalid JSON"}})
        query = body.get("query") if isinstance(body, dict) else None
        if not isinstance(query, str):
            return Answer(400, {"errors": {"query": "Required parameter missing or invalid"}})
        variables, name = body.get("variables") or {}, body.get("operationName")
        if not isinstance(variables, dict) or not isinstance(name, str | None):
            return Answer(400, {"errors": {"variables": "Required parameter missing or invalid"}})
        try:
            parts = plan(parse(query, name), variables, self.rights.absent)
        except Refused as refused:
            return Answer(200, {"errors": refused.errors})
        return self._paid(asked, parts, version)

    def _paid(self, asked: Asked, parts: Sequence[Part], version: str) -> Answer:
        """The answer to a query that may be asked, where the bucket holds what it costs."""
        requested, now = requested_cost(parts), asked.now
        if requested > SINGLE_QUERY_MOST:
            refused = Refused(
                f"Query cost is {requested}, which exceeds the single query max cost limit ({SINGLE_QUERY_MOST}).",
                "MAX_COST_EXCEEDED",
                extensions={"cost": requested, "maxCost": SINGLE_QUERY_MOST, "documentation": _LIMITS_PAGE},
            )
            return Answer(200, {"errors": refused.errors})
        if asked.fault is not None and asked.has_fault("throttled"):
            seconds = float(asked.fault.options.get("seconds", 1.0))
            self.bucket.drain(requested - self.bucket.restore_rate * seconds, now)
        if asked.has_fault("throttled") or not self.bucket.can_pay(requested, now):
            throttled = Refused("Throttled", "THROTTLED", extensions={"documentation": _LIMITS_PAGE})
            return Answer(200, {"errors": throttled.errors, "extensions": self._cost(requested, None, now)})
        if asked.has_fault("internal_error"):
            refused = Refused(
                "Internal error. Looks like something went wrong on our end.\n"
                f"Request ID: {self._request_id()} (include this in support requests).",
                "INTERNAL_SERVER_ERROR",
                extensions={"requestId": self._request_id()},
            )
            return Answer(200, {"errors": refused.errors})
        return self._answered(asked, parts, requested, version)

    def _answered(self, asked: Asked, parts: Sequence[Part], requested: int, version: str) -> Answer:
        most = 5 if version >= _FIVE_AT_ONCE_SINCE else 1
        answering = Answering(self.records, self.bulk, self.rights, asked, most)
        try:
            data = answering.data(parts)
        except Refused as refused:
            return Answer(200, {"errors": refused.errors, "data": None,
                                "extensions": self._cost(requested, 0, asked.now)})  # fmt: skip
        actual = requested if parts[0].owner == "Mutation" else min(requested, answering.reading.points)
        self.bucket.pay(actual, asked.now)
        extensions = self._cost(requested, actual, asked.now)
        if answering.searches:
            extensions["search"] = answering.searches
        content = {"data": data, "extensions": extensions}
        return Answer(200, content, records=len(answering.ids), ids=answering.ids)

    def _cost(self, requested: int, actual: int | None, now: datetime) -> dict[str, Any]:
        status = self.bucket.status(now)
        return {"cost": {"requestedQueryCost": requested, "actualQueryCost": actual, "throttleStatus": status}}

    def _is_alive(self, token: str, now: datetime) -> bool:
        return token in self._given and now < self._given[token]

    def _give_token(self, asked: Asked) -> Answer:
        if asked.method != "POST":
            return Answer(405, {"errors": "Method Not Allowed"})
        wanted = _form(asked)
        if wanted.get("grant_type") != "client_credentials":
            return Answer(400, {"error": "unsupported_grant_type"})
        credentials = (str(wanted.get("client_id")), str(wanted.get("client_secret")))
        if credentials not in self._credentials:
            return Answer(401, {"error": "invalid_client"})
        base = self._credentials[credentials]
        alive = [token for token in self._given if token.startswith(base) and self._is_alive(token, asked.now)]
        token = alive[-1] if alive else base
        if not alive:
            self._given_out += 1
            token = base if self._given_out == 1 else f"{base}-{self._given_out}"
            self._given[token] = asked.now + TOKEN_LIFE
        left = int((self._given[token] - asked.now).total_seconds())
        return Answer(200, {"access_token": token, "scope": ",".join(self.rights.scopes), "expires_in": left})


def _form(asked: Asked) -> Mapping[str, Any]:
    """The body of a token request, JSON or a form."""
    if asked.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        return dict(parse_qsl(asked.body.decode("utf-8", "replace")))
    try:
        body = asked.json()
    except (ValueError, RecursionError):
        return {}
    return body if isinstance(body, dict) else {}


def _quarters_to(newest: str) -> list[str]:
    """The five quarterly versions up to this one, the oldest first."""
    year, month = (int(each) for each in newest.split("-"))
    quarters = []
    for back in range(4, -1, -1):
        months = year * 12 + month - 1 - 3 * back
        quarters.append(f"{months // 12}-{months % 12 + 1:02d}")
    return quarters
