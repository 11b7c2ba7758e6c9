"""Walking a store's list without losing a record, though stores know pages by number alone.

What lives here: the order of requests, and noticing that a list moved between two of them. What does not: HTTP, and
which lists there are (adapter.py).

A record that is changed while pages are read moves to the end of a list by date, and all behind it move up: the page
asked for next begins too far on. So a list by date is read from a time on, over and over: the next request begins at
the time of the last record read, and what was read of that time already comes again. Only where one second holds more
than a page are there pages by number, ordered by id, each beginning with the last record of the page before: where that
one is not there, records moved up, and the walk steps back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from perennial.sources.api.http import Reply
from perennial.sources.base import ShapeChanged, SourceFailed, SourceUnavailable

REPEATS = 3  # how often a page that brings nothing new is asked for again
_SECOND = timedelta(seconds=1)

Ask = Callable[[Mapping[str, Any]], Reply]
Place = dict[str, Any]  # where a walk goes on, as JSON


@dataclass(frozen=True)
class Piece:
    """One answer: its records and where the walk goes on after it, none where it was the last."""

    reply: Reply
    records: list[Any]
    place: Place | None


@dataclass(frozen=True)
class ByTime:
    """A list in the order of `column`, from `since` on (inclusive), until `until` (exclusive)."""

    column: str = "date_modified_gmt"
    orderby: str = "modified"
    after: str = "modified_after"  # both bounds are left out by the store
    before: str = "modified_before"

    def params(self, since: datetime | None, until: datetime | None) -> dict[str, str]:
        """The bounds of a window, also for counting what it holds."""
        found = {"dates_are_gmt": "true"}
        if since is not None:
            found[self.after] = _text(since.replace(microsecond=0) - _SECOND)
        if until is not None:
            found[self.before] = _text(until if not until.microsecond else until + _SECOND)
        return found


def by_time(
    ask: Ask, listing: ByTime, size: int, since: datetime | None, until: datetime | None, place: Place | None
) -> Iterator[Piece]:
    """Every record of a window. A place is {"at": the time to go on from} or {"tie": a second, "offset", "last"}."""
    bounds = listing.params(since, until)
    order = {"orderby": listing.orderby, "order": "asc", "per_page": size}
    while True:
        if place is not None and "tie" in place:
            at = _moment(place["tie"])
            second = {**bounds, listing.after: _text(at - _SECOND), listing.before: _text(at + _SECOND)}
            for piece in by_id(ask, {**second, "per_page": size}, size, place):
                inner = None if piece.place is None else {**piece.place, "tie": place["tie"]}
                yield Piece(piece.reply, piece.records, inner or {"at": _text(at + _SECOND)})
            place = {"at": _text(at + _SECOND)}
        start = {} if place is None else {listing.after: _text(_moment(place["at"]) - _SECOND)}
        params = {**bounds, **order, **start}
        reply, records = _asked(ask, params)
        times = [str(field(record, listing.column)) for record in records]
        if times != sorted(times):
            raise SourceFailed(f"the store does not keep the order by {listing.orderby}; update WooCommerce")
        if times and times[0] <= str(params.get(listing.after, "")):  # it would hand over the same page for ever
            raise SourceFailed(f"the store does not know {listing.after}; update WooCommerce to 5.8 or later")
        place = None
        if len(records) >= size:
            place = {"tie": times[0], "offset": 0, "last": 0} if times[0] == times[-1] else {"at": times[-1]}
        yield Piece(reply, records, place)
        if place is None:
            return


def by_id(ask: Ask, params: Mapping[str, Any], size: int, place: Place | None) -> Iterator[Piece]:
    """Every record of a list that has no useful date, by id. A place is {"offset", "last"}: the last id read."""
    offset, last = (int(place["offset"]), int(place["last"])) if place is not None else (0, 0)
    tries = 0
    while True:
        start = max(offset - 1, 0)
        reply, records = _asked(ask, {**params, "orderby": "id", "order": "asc", "per_page": size, "offset": start})
        ids = [int(field(record, "id")) for record in records]
        if ids != sorted(ids):
            raise SourceFailed("the store does not keep the order by id; update WooCommerce")
        if start > 0 and (not ids or ids[0] > last):
            offset = max(start - size // 2, 0)  # records before this place went, those behind it moved up
            continue
        is_short = len(ids) < size
        if not is_short and ids[-1] <= last:
            tries += 1
            if tries > REPEATS:
                raise SourceUnavailable(
                    f"a page from record {start:,} on brings nothing new however often it is asked for"
                )
            continue
        tries = 0
        offset, last = start + len(ids), max([last, *ids])
        place = None if is_short else {"offset": offset, "last": last}
        yield Piece(reply, records, place)
        if place is None:
            return


def field(record: Mapping[str, Any], name: str) -> Any:
    """What a walk cannot do without."""
    if name not in record:
        raise ShapeChanged(
            f"column {name} is no longer there; the vendor changed its answer: pin `api_version`, or mend the mapping"
            f" (docs/sources.md, schema drift)"
        )
    return record[name]


def _asked(ask: Ask, params: Mapping[str, Any]) -> tuple[Reply, list[Any]]:
    reply = ask(params)
    records = reply.json()
    if not isinstance(records, list):
        raise SourceFailed("a page is not a list; check `base_url`")
    return reply, records


def _text(at: datetime) -> str:
    """Without a zone: a store turns a time with one into its local time, also where it is to compare GMT ones."""
    return at.replace(tzinfo=None).isoformat(timespec="seconds")


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)
