"""What the receiver of webhooks took, as a stream that a load reads like any other.

What lives here: from closed segments of the inbox to pages, and letting go of segments once they are landed. What does
not: receiving (inbound.py), segments (inbox.py), what a vendor's deliveries mean (the adapters).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import orjson

from perennial.sources.api.pairs import whole
from perennial.sources.api.payloads import line
from perennial.sources.base import Form, Page, Rows, Schema, Stream, Window
from perennial.sources.inbox import CLOSED, closed_segments, forget

FORM = "received"
LINES, BYTES = 1000, 8 * 1024 * 1024  # at most so much becomes one page
_SAMPLE = 20


def delivery_stream(inbox: Path, source_name: str, body: Schema, rows: Sequence[Rows], table: str, key: str) -> Stream:
    """Everything received and not landed yet. Rows see `item.received_at`, `item.hook`, `item.body`, and
    `context.segment`, which they must keep in a column `segment`."""
    item = {"received_at": "text", "hook": "text", "body": body}

    def read(_: Window, cursor: Any) -> Iterator[Page]:
        return _pages(inbox, source_name, cursor)

    def let_go(segments: Sequence[str]) -> None:
        forget(inbox / source_name / CLOSED / each for each in segments)

    form = Form("[]", item, rows, context=("segment",))
    return Stream(
        "deliveries", {FORM: form}, read, table, key, updated=None, is_whole=True, is_gated=False, waits_in="segment",
        let_go=let_go,
    )  # fmt: skip


def received(inbox: Path, source_name: str) -> Iterator[Any]:
    """Every delivery that waits, parsed, in the order of its receipt."""
    for segment in closed_segments(inbox, source_name):
        for portion, _ in _portions(segment, 0):
            yield from map(orjson.loads, portion)


def _pages(inbox: Path, source_name: str, cursor: Any) -> Iterator[Page]:
    place = cursor or {"segment": "", "offset": 0}
    segments = closed_segments(inbox, source_name)
    names = [each.name for each in segments]
    first = names.index(place["segment"]) if place["segment"] in names else 0
    for segment in segments[first:]:
        offset = place["offset"] if segment.name == place["segment"] else 0
        for portion, end in _portions(segment, offset):
            lines = line(b"[" + b",".join(portion) + b"]", {"segment": segment.name})
            sample = [orjson.loads(each) for each in portion[:_SAMPLE]]
            yield Page({FORM: lines}, {"segment": segment.name, "offset": end}, len(portion), {FORM: sample})
    yield Page({}, None, 0)


def _portions(segment: Path, offset: int) -> Iterator[tuple[list[bytes], int]]:
    """A segment's lines from a byte on, some at a time, each time with the byte behind the last."""
    with segment.open("rb") as handle:
        handle.seek(offset)
        portion: list[bytes] = []
        size = 0
        for each in handle:
            offset += len(each)
            portion.append(whole(each.rstrip(b"\n")))
            size += len(each)
            if len(portion) >= LINES or size >= BYTES:
                yield portion, offset
                portion, size = [], 0
        if portion:
            yield portion, offset
