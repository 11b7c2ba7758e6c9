"""Which records an Omnisend list request means, in its order, and the page of them with its cursors.

What lives here: filters, order, pages. What does not: reading the query (query.py), HTTP (api.py).
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from perennial.sandbox.core import Fault, moment, page
from perennial.sandbox.omnisend.query import Position, Wanted

Record = Mapping[str, Any]
_TESTS: dict[str, Callable[[Record, str], bool]] = {
    "email": lambda record, text: str(record.get("email", "")).lower() == text.lower(),
    "phone": lambda record, text: text in record.get("phone", ()),
    "segmentID": lambda record, text: text in record.get("segments", ()),
    "tag": lambda record, text: text in record.get("tags", ()),
    "nameContains": lambda record, text: text.lower() in str(record.get("name", "")).lower(),
    "isEnabled": lambda record, text: record.get("isEnabled") == (text == "true"),
    "createdAtFrom": lambda record, text: moment(record["createdAt"]) >= moment(text),
    "createdAtTo": lambda record, text: moment(record["createdAt"]) < moment(text),
    "updatedAtFrom": lambda record, text: moment(record["updatedAt"]) >= moment(text),
    "updatedAtTo": lambda record, text: moment(record["updatedAt"]) < moment(text),
}


@dataclass(frozen=True)
class Chosen:
    """The records a request means, in its order, and where each stands in it."""

    records: Sequence[Record]
    places: Sequence[Position]


def choose(records: Iterable[Record], wanted: Wanted) -> Chosen:
    """What has the same value is ordered by id."""
    found = [(_place(record, wanted.sort), record) for record in records if _is_meant(record, wanted.filters)]
    found.sort(key=lambda each: each[0], reverse=not wanted.is_ascending)
    return Chosen([record for _, record in found], [place for place, _ in found])


def _place(record: Record, sort: str) -> Position:
    value = str(record[sort])
    return (value if sort == "name" else moment(value).isoformat(timespec="microseconds"), str(record["id"]))


def _is_meant(record: Record, filters: Mapping[str, Sequence[str]]) -> bool:
    for name, texts in filters.items():
        test = _TESTS.get(name)
        if not any(test(record, text) if test else record.get(name) == text for text in texts):
            return False
    return True


def cut(chosen: Chosen, wanted: Wanted, fault: Fault | None) -> tuple[Sequence[Record], dict[str, Any]]:
    """One page and what it says of paging. A cursor leads to a place in the order, not to a number in the list, so that
    records that come, go or change before it shift nothing behind it."""
    start = _start(chosen.places, wanted)
    found = page(chosen.records, start, wanted.limit, fault)
    cursors: dict[str, str | None] = {"after": None, "before": None}
    if found.next_start is not None:
        first = ("", "") if wanted.is_ascending else ("\U0010ffff", "")
        cursors["after"] = wanted.cursor(chosen.places[found.next_start - 1] if found.next_start else first)
    if start > 0 and found.items:
        cursors["before"] = wanted.cursor(chosen.places[start])
    return found.items, {"limit": wanted.limit, "hasMore": found.next_start is not None, "cursors": cursors}


def _start(places: Sequence[Position], wanted: Wanted) -> int:
    """Where the page begins: behind the cursor's place, or so that it ends before it."""
    if wanted.after is not None:
        if wanted.is_ascending:
            return bisect_right(places, wanted.after)
        return len(places) - bisect_left(places[::-1], wanted.after)
    if wanted.before is not None:
        if wanted.is_ascending:
            return max(bisect_left(places, wanted.before) - wanted.limit, 0)
        return max(len(places) - bisect_right(places[::-1], wanted.before) - wanted.limit, 0)
    return 0
