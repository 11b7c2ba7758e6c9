"""Answers the parts of a planned query: the roots of the schema.

What lives here: connections, counts, single records, the shop, the two bulk mutations. What does not: HTTP, tokens and
the bucket (api.py), cutting a record to its parts (reading.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from perennial.sandbox.core import Asked, page
from perennial.sandbox.shopify.bulk import BulkOperations, Operation, as_record
from perennial.sandbox.shopify.bulk_query import Unfit, read_bulk_query
from perennial.sandbox.shopify.language import Refused
from perennial.sandbox.shopify.plan import MOST, Part
from perennial.sandbox.shopify.reading import Reading
from perennial.sandbox.shopify.records import Listing, Record, Records
from perennial.sandbox.shopify.schema import COLLECTIONS, SCOPES
from perennial.sandbox.shopify.search import Search

_WITHOUT_ALL_ORDERS = timedelta(days=60)
_COUNTED_AT_MOST = 10_000  # where no limit was named; limit:null counts all
SHOP = {
    "id": "gid://shopify/Shop/1",
    "name": "Sandbox",
    "myshopifyDomain": "sandbox.myshopify.com",
    "currencyCode": "GBP",
    "ianaTimezone": "Europe/London",
}


@dataclass(frozen=True)
class Rights:
    """What a token may read, and how deep a list may be paged (none: to its end)."""

    scopes: Sequence[str]
    page_depth: int | None = None
    absent: frozenset[str] = frozenset()


@dataclass
class Answering:
    """One request's answer in the making. `ids`: the root records handed over."""

    records: Records
    bulk: BulkOperations
    rights: Rights
    asked: Asked
    running_most: int
    ids: list[str] = field(default_factory=list)
    searches: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.reading = Reading(self.records)

    def data(self, parts: Sequence[Part]) -> dict[str, Any]:
        """Raises Refused."""
        return {part.key: self._root(part) for part in parts}

    def _root(self, part: Part) -> Any:
        if part.name == "__typename":
            return part.owner
        if part.owner == "Mutation":
            payload = self._run(part) if part.name == "bulkOperationRunQuery" else self._cancel(part)
            return self.reading.cut(payload, part.parts)
        if part.name in COLLECTIONS:
            return self._connection(part)
        if part.name.endswith("Count"):
            return self._count(part)
        if part.name == "nodes":
            return self._many(part)
        held = self._single(part)
        if held is None:
            return None
        self.reading.points += 1
        return self.reading.cut(held, part.parts)

    def _allowed(self, collection: str, part: Part) -> None:
        scope = SCOPES[collection]
        if scope not in self.rights.scopes:
            raise Refused(
                f"Access denied for {part.name} field. Required access: `{scope}` access scope.",
                "ACCESS_DENIED",
                path=[part.key],
                extensions={"requiredAccess": f"`{scope}` access scope."},
            )

    def _listing(self, collection: str, part: Part) -> Listing:
        self._allowed(collection, part)
        arguments = part.arguments
        from_day = None
        if collection == "orders" and "read_all_orders" not in self.rights.scopes:
            # the day, not the second: the list stays the same list from page to page
            from_day = (self.asked.now - _WITHOUT_ALL_ORDERS).replace(hour=0, minute=0, second=0, microsecond=0)
        found = self.records.listing(
            collection, arguments.get("sortKey"), bool(arguments.get("reverse")), arguments.get("query"), from_day
        )
        self._warn(part, found.search)
        return found

    def _warn(self, part: Part, search: Search) -> None:
        if search.warnings:
            self.searches.append(
                {"path": [part.key], "query": part.arguments.get("query"), "warnings": search.warnings}
            )

    def _connection(self, part: Part) -> dict[str, Any]:
        listing = self._listing(part.name, part)
        start = listing.start_after(part.arguments.get("after"))
        depth = self.rights.page_depth
        if depth is not None and start >= depth:
            raise Refused(f"Lists can be paged to {depth} records", "BAD_REQUEST", path=[part.key])
        found = page(listing.records, start, part.arguments["first"], self.asked.fault)
        cursors = [listing.cursor(start + index) for index in range(len(found.items))]
        self.ids += [record["id"] for record in found.items]
        end = None
        if found.next_start is not None and found.next_start != start + len(found.items):
            end = listing.cursor(found.next_start - 1)
        return self.reading.connection(
            found.items, cursors, part, has_next=found.next_start is not None, has_previous=start > 0, end_cursor=end
        )

    def _count(self, part: Part) -> dict[str, Any]:
        listing = self._listing(part.name.removesuffix("Count"), part)
        limit = part.arguments.get("limit", _COUNTED_AT_MOST)
        held = len(listing.records)
        over = limit is not None and held > limit
        self.reading.points += 1
        counted = {"count": limit if over else held, "precision": "AT_LEAST" if over else "EXACT"}
        return self.reading.cut(counted, part.parts)

    def _many(self, part: Part) -> list[dict[str, Any] | None]:
        ids = part.arguments["ids"]
        ids = ids if isinstance(ids, list) else [ids]
        if len(ids) > MOST:
            message = f"The input array size of {len(ids)} is greater than the maximum allowed of {MOST}."
            raise Refused(message, "MAX_INPUT_SIZE_EXCEEDED", path=[part.key, "ids"])
        answers: list[dict[str, Any] | None] = []
        for gid in ids:
            held = self._by_id(gid, part)
            answers.append(None if held is None else self.reading.cut(held, part.parts))
            self.reading.points += held is not None
        return answers

    def _by_id(self, gid: str, part: Part) -> Record | None:
        record = self.records.by_id(gid)
        if record is not None:
            collection = next(name for name in COLLECTIONS if gid in self.records.held[name])
            self._allowed(collection, part)
            self.ids.append(gid)
        return record

    def _single(self, part: Part) -> Record | None:
        if part.name == "shop":
            return SHOP
        if part.name == "currentAppInstallation":
            scopes = [{"handle": each} for each in self.rights.scopes]
            return {"id": "gid://shopify/AppInstallation/1", "accessScopes": scopes}
        if part.name == "currentBulkOperation":
            return self._shown(self.bulk.current(self.asked.now))
        gid = part.arguments["id"]
        if gid.startswith("gid://shopify/BulkOperation/"):
            return self._shown(self.bulk.poll(gid, self.asked.now)) if part.name in ("node", "bulkOperation") else None
        wanted = {"customer": "Customer", "order": "Order", "product": "Product"}.get(part.name, "")
        if wanted and not gid.startswith(f"gid://shopify/{wanted}/"):
            raise Refused(f"Invalid id: {gid[:80]}", "RESOURCE_NOT_FOUND", path=[part.key])
        return self._by_id(gid, part)

    def _shown(self, operation: Operation | None) -> Record | None:
        return None if operation is None else as_record(operation, self.asked.base_url)

    def _run(self, part: Part) -> Record:
        text = part.arguments["query"]
        running = self.bulk.running(self.asked.now)
        if len(running) >= self.running_most:
            message = f"A bulk query operation for this app and shop is already in progress: {running[0].gid}."
            return _errors([message], None, "OPERATION_IN_PROGRESS")
        try:
            root = read_bulk_query(text, self.rights.absent)
        except Unfit as unfit:
            return _errors(unfit.messages, ["query"], "INVALID")
        roots = self._listing(root.name, root).records
        operation = self.bulk.start(text, bool(part.arguments.get("groupObjects")), root, roots, self.asked.now)
        return {"bulkOperation": as_record(operation, self.asked.base_url), "userErrors": []}

    def _cancel(self, part: Part) -> Record:
        operation = self.bulk.cancel(part.arguments["id"])
        if operation is None:
            return _errors(["Bulk operation does not exist"], ["id"], None)
        return {"bulkOperation": as_record(operation, self.asked.base_url), "userErrors": []}


def _errors(messages: Sequence[str], place: list[str] | None, code: str | None) -> Record:
    errors = [{"field": place, "message": message, "code": code} for message in messages]
    return {"bulkOperation": None, "userErrors": errors}
