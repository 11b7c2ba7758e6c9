"""The shop's records: what is held, and any stretch of it in any order, found by position and not by page number.

What lives here: seeding, references between records, lists sorted and filtered, cursors. What does not: the text of a
filter (search.py), which fields of a record are shown (reading.py).
"""

from __future__ import annotations

import base64
import json
import re
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from perennial.sandbox.shopify.language import Refused
from perennial.sandbox.shopify.schema import COLLECTIONS, TYPES
from perennial.sandbox.shopify.search import Search, number_of, read_search, seconds

Record = Mapping[str, Any]
Position = tuple[float, int]  # the value sorted by, and the id
DELETED = "__deleted"
_GID = re.compile(r"gid://shopify/(\w+)/(\d+)")
_SORTED_BY = {
    "UPDATED_AT": "updatedAt",
    "CREATED_AT": "createdAt",
    "PROCESSED_AT": "processedAt",
    "PUBLISHED_AT": "publishedAt",
}  # any other key: by id
_DEFAULT_SORT = {"orders": "PROCESSED_AT"}
_LISTS_KEPT = 8
_COLLECTION_OF = {kind: collection for collection, kind in COLLECTIONS.items()}


@dataclass(frozen=True)
class Listing:
    """Records in an order, each with its position; `search` says what was dropped from the filter."""

    records: Sequence[Record]
    positions: Sequence[Position]
    search: Search
    sort: str

    def start_after(self, cursor: str | None) -> int:
        """Where the page after this cursor begins, whatever was put in or taken out since. Raises Refused."""
        if cursor is None:
            return 0
        return bisect_right(self.positions, _position(cursor, self.sort))

    def cursor(self, index: int) -> str:
        """The cursor of the record at this index; before the first one for -1."""
        value, number = self.positions[index] if index >= 0 else (float("-inf"), 0)
        words = {"last_id": number, "last_value": repr(value), "sort": self.sort}
        return base64.b64encode(json.dumps(words, separators=(",", ":")).encode()).decode()


def _position(cursor: str, sort: str) -> Position:
    try:
        words = json.loads(base64.b64decode(cursor, validate=True))
        if words["sort"] == sort:
            return float(words["last_value"]), int(words["last_id"])
    except (ValueError, KeyError, TypeError, OverflowError):
        pass
    raise Refused("Invalid cursor for current pagination sort.", "BAD_REQUEST")


def type_of(gid: str) -> str | None:
    """The type in gid://shopify/Order/1, none where the text is no such id."""
    match = _GID.fullmatch(gid)
    return match.group(1) if match else None


class Records:
    """Everything a shop holds, by collection and id."""

    def __init__(self) -> None:
        self.held: dict[str, dict[str, Record]] = {collection: {} for collection in COLLECTIONS}
        self._deleted: set[str] = set()
        self._changes = 0
        self._lists: dict[tuple[Any, ...], Listing] = {}

    def seed(self, collection: str, records: Sequence[Record]) -> int:
        """See ShopifyApi.seed. Raises ValueError that names the collection, the id or the fields."""
        if collection not in COLLECTIONS:
            raise ValueError(f"Shopify has no collection {collection!r}; it has {', '.join(COLLECTIONS)}")
        held, kind = self.held[collection], COLLECTIONS[collection]
        for record in records:
            gid = str(record.get("id"))
            if type_of(gid) != kind:
                raise ValueError(f"{collection}: {gid} is no id of the form gid://shopify/{kind}/1")
            if record.get(DELETED):
                held.pop(gid, None)
                self._deleted.add(gid)
                continue
            unknown = sorted(set(record) - set(TYPES[kind]))
            if unknown:
                raise ValueError(f"{gid}: {kind} has no field {', '.join(unknown)}")
            before = held.get(gid)
            if before is None or _at(record, "updatedAt") >= _at(before, "updatedAt"):
                held[gid] = record
                self._deleted.discard(gid)
        self._changes += 1
        self._lists.clear()
        return len(held)

    def by_id(self, gid: str) -> Record | None:
        collection = _COLLECTION_OF.get(type_of(gid) or "")
        return self.held[collection].get(gid) if collection else None

    def live(self, reference: Record | None, of: str) -> Record | None:
        """The record as it is now that another one refers to: what was written there where it is not held, none where
        it was deleted."""
        collection = _COLLECTION_OF.get(of)
        if reference is None or collection is None or "id" not in reference:
            return reference
        gid = reference["id"]
        return None if gid in self._deleted else self.held[collection].get(gid, reference)

    def listing(
        self, collection: str, sort: str | None, reverse: bool, text: str | None, placed_from: datetime | None = None
    ) -> Listing:
        """A whole list. `placed_from`: orders placed before it are not shown."""
        chosen = sort or _DEFAULT_SORT.get(collection, "ID")
        key = (collection, chosen, reverse, text, placed_from)
        found = self._lists.get(key)
        if found is None:
            if len(self._lists) >= _LISTS_KEPT:
                self._lists.pop(next(iter(self._lists)))
            found = self._lists[key] = self._listed(collection, chosen, reverse, text, placed_from)
        return found

    def _listed(
        self, collection: str, sort: str, reverse: bool, text: str | None, placed_from: datetime | None
    ) -> Listing:
        search = read_search(collection, text)
        records: Sequence[Record] = list(self.held[collection].values())
        if search.test is not None:
            records = [record for record in records if search.test(record)]
        if placed_from is not None:
            least = placed_from.timestamp()
            records = [record for record in records if _at(record, "createdAt") >= least]
        by, turn = _SORTED_BY.get(sort, ""), -1 if reverse else 1
        pairs = [((turn * (_at(each, by) if by else 0.0), turn * number_of(each["id"])), each) for each in records]
        pairs.sort(key=lambda pair: pair[0])
        name = f"{sort} DESC" if reverse else sort
        return Listing([record for _, record in pairs], [position for position, _ in pairs], search, name)


def _at(record: Record, name: str) -> float:
    value = record.get(name)
    return seconds(value) if value else 0.0
