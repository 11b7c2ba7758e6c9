"""Bulk operations: a query that Shopify runs by itself, and whose whole answer is one file.

What lives here: starting one, waiting for it, reading its file in portions from any byte on. What does not: what is
asked for (queries.py, orders.py), when it is worth it (adapter.py).
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Mapping
from io import BytesIO
from itertools import islice
from typing import Any

import numpy as np
import orjson

from perennial.config.vendors.shopify import Settings
from perennial.sources.api.http import Api, FileGone, Reply
from perennial.sources.base import CursorRefused, Page, SourceFailed, SourceUnavailable
from perennial.sources.shopify.parts import Query

FIRST_ATTEMPT = {"bulk": None, "attempt": 1}
ATTEMPTS = 2
POLL_SECONDS = (0.5, 10.0)
_DONE = ("COMPLETED", "FAILED", "CANCELED", "EXPIRED")
_START = """mutation($query: String!) { bulkOperationRunQuery(query: $query) {
    bulkOperation { id status } userErrors { field message } } }"""
_STATE = """query($id: ID!) { node(id: $id) { ... on BulkOperation {
    id status errorCode objectCount rootObjectCount fileSize url partialDataUrl } } }"""
_OPERATION = re.compile(r"gid://shopify/BulkOperation/\d+")
_CHILD = b'"__parentId"'
_NEWLINE = ord("\n")
_SAMPLE, _SAMPLE_LATER = 20, 2  # lines of each sort that are looked at: of a file's first portion, of every other

Ask = Callable[[str, Mapping[str, Any], str], Reply]


class BulkFailed(Exception):
    """Bulk operations do not get through."""


class Bulk:
    """The bulk operations of one store. A cursor names the operation, and the byte of its file to go on from."""

    def __init__(self, source: Settings, api: Api, ask: Ask) -> None:
        self._source, self._api, self._ask = source, api, ask

    def read(self, query: Query, wanted: str | None, cursor: Mapping[str, Any]) -> Iterator[Page]:
        """Raises BulkFailed where it is better to page, CursorRefused where a file is gone or not whole."""
        place = dict(cursor)
        while True:
            if place["bulk"] is None:
                place["bulk"] = self._start(query, wanted)
                yield Page({}, dict(place), 0, is_milestone=True)
            done = self._finished(query, place["bulk"])
            if done["status"] == "COMPLETED" and (done["url"] is not None or int(done["objectCount"]) == 0):
                break
            if place["attempt"] >= ATTEMPTS:
                raise BulkFailed
            place = {"bulk": None, "attempt": place["attempt"] + 1}
        if done["url"] is None:
            yield Page({}, None, 0)
            return
        try:
            yield from self._file(query, done, place)
        except FileGone:
            raise CursorRefused from None

    def _file(self, query: Query, done: Mapping[str, Any], place: Mapping[str, Any]) -> Iterator[Page]:
        """The file in portions of whole lines, parents and children apart."""
        offset, lines = int(place.get("offset", 0)), int(place.get("lines", 0))
        rest, sampled = b"", _SAMPLE
        for portion in self._api.download(done["url"], f"the bulk file of {query.name}", offset):
            end = portion.rfind(b"\n") + 1
            if not end:
                rest += portion
                continue
            view = memoryview(portion)
            whole, rest = b"".join((rest, view[:end])), bytes(view[end:])
            counted, split, sample = _split(whole, sampled)
            offset, lines, sampled = offset + len(whole), lines + counted, _SAMPLE_LATER
            yield Page(split, {**place, "offset": offset, "lines": lines}, counted, sample)
        counted, split, sample = _split(rest + b"\n", sampled) if rest.strip() else (0, {}, {})
        if lines + counted != int(done["objectCount"]):
            raise CursorRefused  # not the file that the operation speaks of
        yield Page(split, None, counted, sample)

    def _start(self, query: Query, wanted: str | None) -> str:
        inner = query.bulk_text(self._source, wanted)
        ends_at = time.monotonic() + self._source.call_seconds
        while True:
            answer = self._ask(_START, {"query": inner}, f"starting a bulk operation for {query.name}").json()
            started = answer["data"]["bulkOperationRunQuery"]
            if not started["userErrors"]:
                operation = str(started["bulkOperation"]["id"])
                if _OPERATION.fullmatch(operation) is None:
                    raise SourceFailed("a bulk operation has an id of a form that nobody knows; check `api_version`")
                return operation
            if not any("in progress" in str(each["message"]) for each in started["userErrors"]):
                raise BulkFailed  # not a query that it takes
            if time.monotonic() + POLL_SECONDS[1] > ends_at:
                raise SourceUnavailable(f"no bulk operation for {query.name} can be started: others are running")
            time.sleep(POLL_SECONDS[1])

    def _finished(self, query: Query, operation: str) -> Mapping[str, Any]:
        pause, longest = POLL_SECONDS
        ends_at = time.monotonic() + self._source.bulk_seconds
        while True:
            node = self._ask(_STATE, {"id": operation}, "a bulk operation").json()["data"]["node"]
            if node is None:
                return {"status": "EXPIRED", "url": None, "objectCount": "0"}
            if node["status"] in _DONE:
                return dict(node)
            if time.monotonic() + pause > ends_at:
                raise SourceUnavailable(
                    f"the bulk operation for {query.name} is still under way after `bulk_seconds`; the next run waits"
                    f" for the same one"
                )
            time.sleep(pause)
            pause = min(pause * 1.5, longest)


def _split(whole: bytes, most: int) -> tuple[int, dict[str, bytes], dict[str, list[Any]]]:
    """Lines of a bulk file by what they are: items themselves, or the lines below them; and a few of each, parsed."""
    ends, is_child = _children(whole)
    turns = ends[:-1][is_child[1:] != is_child[:-1]].tolist()  # where a run of one sort ends and the other begins
    view = memoryview(whole)
    runs = [view[start:end] for start, end in zip([0, *turns], [*turns, len(whole)], strict=True)]
    forms = ("bulk_lines", "bulk") if is_child[0] else ("bulk", "bulk_lines")
    split = {form: b"".join(runs[place::2]) for place, form in enumerate(forms) if place < len(runs)}
    return len(ends), split, {form: _sample(lines, most) for form, lines in split.items()}


def _children(whole: bytes) -> tuple[Any, Any]:
    """Where each line ends, and whether it names a parent. Without an object per line: a file has millions."""
    ends = np.flatnonzero(np.frombuffer(whole, np.uint8) == _NEWLINE) + 1
    # a text that holds this has its quotation marks escaped, so it is not found there
    named, at = [], whole.find(_CHILD)
    while at >= 0:
        named.append(at)
        at = whole.find(_CHILD, at + len(_CHILD))
    is_child = np.zeros(len(ends), bool)
    is_child[np.searchsorted(ends, named, side="right")] = True
    return ends, is_child


def _sample(lines: bytes, most: int) -> list[Any]:
    return [orjson.loads(line) for line in islice(BytesIO(lines), most)]
