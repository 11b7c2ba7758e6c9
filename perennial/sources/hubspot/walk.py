"""The order in which HubSpot's records are read: ascending by the time they changed, without its page numbers.

What lives here: which search follows which. What does not: asking, what a record is.

HubSpot's own paging is by position, ends at 10,000 results, and leaves records out when others change meanwhile and
move to the end. So every search begins at the time the last one ended with, and a time that many records share is read
by their numbers. What changes meanwhile comes again at the end. How many are left is what the last search counted: an
answer that holds less is no end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from perennial.sources.api.http import Reply
from perennial.sources.base import SourceFailed, SourceUnavailable, Window

TRIES = 4
BY_NUMBER = "hs_object_id"
_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Found:
    """One search's answer: its records, and how many there are from where it began."""

    reply: Reply
    items: Sequence[Any]
    total: int


Search = Callable[[Sequence[Mapping[str, str]], str, int], Found]


def filters_of(modified: str, window: Window, begin: int | None = None) -> list[dict[str, str]]:
    """The stretch of time, from `begin` on where that is later."""
    marks = [begin] if begin is not None else []
    marks += [milliseconds(window.since)] if window.since is not None else []
    filters = [_filter(modified, "GTE", max(marks))] if marks else []
    return filters if window.until is None else [*filters, _filter(modified, "LT", milliseconds(window.until))]


def ascending(
    search: Search, name: str, modified: str, size: int, window: Window, cursor: Any
) -> Iterator[tuple[Found, Any]]:
    """Searches that together hold everything in a window, each with the place where the next begins."""
    place: Any = cursor or {"from": None, "seen": []}
    while place is not None:
        if "at" in place:
            filters = [
                _filter(modified, "GTE", place["at"]), _filter(modified, "LT", place["at"] + 1),
                {"propertyName": BY_NUMBER, "operator": "GT", "value": place["after"]},
            ]  # fmt: skip
            found = _full(partial(search, filters, BY_NUMBER, size), name, size, ())
            following = _after_ties(found, place["at"])
        else:
            filters = filters_of(modified, window, place["from"])
            found = _full(partial(search, filters, modified, size), name, size, place["seen"])
            following = _after_times(found, name, modified)
            if following is not None and "at" in following:
                place = following  # all of them are read again, by their numbers
                continue
            found = replace(found, items=[item for item in found.items if item["id"] not in place["seen"]])
        yield found, following
        place = following


def _full(search: Callable[[], Found], name: str, size: int, seen: Sequence[str]) -> Found:
    """An answer that holds as many records as it counts, or at least one that is new."""
    for _ in range(TRIES):
        found = search()
        if len(found.items) >= min(size, found.total):
            return found
    if any(item["id"] not in seen for item in found.items):
        return found
    raise SourceUnavailable(f"a search for {name}: counts {found.total:,} records and hands over {len(found.items):,}")


def _after_times(found: Found, name: str, modified: str) -> Any:
    """None after the last; at a time of its own, where all records share it; else from the last record's time on."""
    if found.total <= len(found.items):
        return None
    times = [milliseconds(datetime.fromisoformat(item["properties"][modified])) for item in found.items]
    if times != sorted(times):
        raise SourceFailed(f"a search for {name}: is not in the order asked for; check `api_version`")
    if times[0] == times[-1]:
        return {"at": times[0], "after": "0"}
    return {
        "from": times[-1],
        "seen": [item["id"] for item, at in zip(found.items, times, strict=True) if at == times[-1]],
    }


def _after_ties(found: Found, at: int) -> Any:
    if found.total <= len(found.items):
        return {"from": at + 1, "seen": []}
    return {"at": at, "after": max((str(item["id"]) for item in found.items), key=int)}


def _filter(name: str, operator: str, value: int) -> dict[str, str]:
    return {"propertyName": name, "operator": operator, "value": str(value)}


def milliseconds(moment: datetime) -> int:
    aware = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
    return (aware - _BEGINNING) // timedelta(milliseconds=1)
