"""What every kind of source is to landing: something that offers its tables to a load, or says why it cannot.

What lives here: the protocol of a source, the ways to fail, and what an adapter of a vendor's API is made of: streams
of pages, and how their payloads become rows. What does not: any kind of source, the reading of streams
(perennial/sources/api), the commit (landing.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, Protocol, runtime_checkable

from perennial.landing.load import Load


class SourceFailed(Exception):
    """This source cannot be loaded as it is; trying again will not help. Says what, where, and what to do."""


class SourceUnavailable(SourceFailed):
    """This source did not answer; the next run may find it again."""


class GateClosed(SourceFailed):
    """This source handed over much less than it held before: nothing may be published on that until a person looked."""


class ShapeChanged(SourceFailed):
    """The vendor's answers are built otherwise than before: names the column."""


class CursorRefused(Exception):
    """The vendor no longer knows the place where an earlier run stopped: the stream begins again."""


class Reader(Protocol):
    """Reads one configured source."""

    def deliver(self, load: Load, env: Mapping[str, str]) -> None:
        """Hand every table the source has to the load. Raises SourceFailed; commits nothing."""

    def probe(self, env: Mapping[str, str]) -> list[str]:
        """What would keep this source from being read, found without reading data; empty where nothing would."""


# How payload lines look to DuckDB: nested mappings, one-element lists, and at the leaves the JSON kind expected there:
# "text", "number", "boolean", "any" (kept as JSON), "any text" (anything, as its text: cheaper to read than JSON); "?"
# behind it where the vendor leaves the key out when there is no value. Numbers and booleans arrive in SQL as text,
# which landing casts.
Schema = Mapping[str, Any]


@dataclass(frozen=True)
class Rows:
    """How the items of a payload become raw rows of one landed table.

    columns: landed column → SQL over `item` (one item of the page), `context` (what the adapter noted with the page)
    and, with `each`, `line` (one element of that list expression). version: of lines that come apart from their items,
    where it is known: the updated time of the version of the item that they belong to.
    """

    table: str
    columns: Mapping[str, str]
    each: str | None = None
    where: str | None = None
    version: str | None = None


@dataclass(frozen=True)
class Form:
    """One form that payload lines of a stream take.

    items: where a page keeps its items: a path such as `data.orders.edges[].node`, `data[]`, or `[]` where the page is
    the list itself; None where every line is an item itself, as in bulk files. item: the schema of one item.
    """

    items: str | None
    item: Schema
    rows: Sequence[Rows]
    context: Sequence[str] = ()


@dataclass(frozen=True)
class Window:
    """The stretch of updated time a stream is read over. `since` none: from the beginning. `until`: in backfills.

    Mode retype asks a vendor nothing: the payloads kept are read anew.
    """

    since: datetime | None = None
    until: datetime | None = None
    mode: Literal["first", "incremental", "backfill", "retype"] = "first"


@dataclass(frozen=True)
class Page:
    """A piece of a stream, whole: what arrived, and where the next piece begins.

    lines: form → payload lines, each ending with a line break. items: the parsed items, or some of them, for the watch
    over the payload's shape: form → items. next: where to go on, as JSON; None after the last piece.
    """

    lines: Mapping[str, bytes]
    next: Any
    count: int
    items: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    is_milestone: bool = False  # note the place at once: what led here is dear to repeat


@dataclass(frozen=True)
class Stream:
    """One thing a vendor lists. `table` is the landed table that holds an item each: windows and gates go by its `key`
    and `updated` columns.

    read: pages from a cursor on (None: from the beginning). total: how many items the vendor says the window holds,
    asked before reading; none where it does not say. ids: their ids by a second way, where there is no total.
    is_whole: the vendor knows no "changed since": everything is read every night.
    """

    name: str
    forms: Mapping[str, Form]
    read: Callable[[Window, Any], Iterator[Page]]
    table: str
    key: str
    updated: str | None = "updated_at"
    total: Callable[[Window], int | None] | None = None
    ids: Callable[[Window], Iterator[Sequence[str]]] | None = None
    is_whole: bool = False
    deletes_absent: bool = False  # with is_whole: what is gone from a full list was deleted (the table has is_deleted)
    buries: Sequence[str] = ()  # with deletes_absent: other tables of the same key, whose rows are deleted with it
    is_gated: bool = True  # false for a stream that lists only some items of its table
    # where items wait on our side until they are landed: the column that names the place, and who is told, after the
    # commit, which places hold nothing more that is not landed
    waits_in: str | None = None
    let_go: Callable[[Sequence[str]], None] | None = None

    @property
    def tables(self) -> tuple[str, ...]:
        found = [rows.table for form in self.forms.values() for rows in form.rows]
        return tuple(dict.fromkeys([self.table, *found, *self.buries]))


class Adapter(Protocol):
    """One vendor's API for one configured source, signed in."""

    def streams(self) -> Sequence[Stream]:
        """Everything there is to read, in the order to read it in."""

    def probe(self) -> None:
        """Ask for next to nothing. Raises SourceFailed where the API cannot be read as configured."""

    def close(self) -> None:
        """Let go of connections."""


@runtime_checkable
class TakesDeliveries(Protocol):
    """An adapter whose vendor tells some things by webhooks alone: they are read from the receiver's inbox."""

    def deliveries(self, inbox: Path, source_name: str) -> Stream:
        """The stream of what was received."""
