"""Bulk operations: started by a mutation, asked after until they are done, read as one file of JSON lines.

What lives here: the operations and their files. What does not: which queries they take (bulk_query.py).

An operation reads the records as they were when it was started. It is CREATED, then RUNNING, and done at the poll of
the number the sandbox was told, or by itself after a minute. Its file is made in a thread meanwhile, so that a poll
never waits for a big one; a poll that comes before it is ready is answered RUNNING.

The lines of one root record stand together only where the operation was started with groupObjects:true. Else the nodes
of fifty records come first and what hangs on them after, so that nobody leans on neighbourhood.
"""

from __future__ import annotations

import json
import random
import re
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from perennial.sandbox.core import Answer, Fault, iso
from perennial.sandbox.shopify.plan import Part
from perennial.sandbox.shopify.reading import Reading, Sink
from perennial.sandbox.shopify.records import Record, Records

FILE_PATH = re.compile(r"/bulk/(\d+)(-partial)?\.jsonl")
FAULTS = {
    "bulk_failed": "the next bulk operation ends FAILED, `code` (INTERNAL_SERVER_ERROR), with half its lines to read",
    "bulk_null_url": "the next bulk operation ends COMPLETED with its counts and url null",
    "bulk_children_first": "the next bulk operation's file has what hangs on records before the records",
    "bulk_shuffled": "the next bulk operation's lines come in any order",
}
_FIRST_ID = 4_039_000_000_001
_BLOCK = 50
_BY_ITSELF = timedelta(seconds=60)
_KEPT = timedelta(days=7)
_PATIENCE = 0.5  # seconds a poll waits for the thread
_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
_RUNNING = ("CREATED", "RUNNING", "CANCELING")


@dataclass
class Operation:
    """One bulk operation. `lines` are there when its thread is done."""

    number: int
    text: str
    grouped: bool
    part: Part
    roots: Sequence[Record]
    created: datetime
    polls_left: int
    fault: Fault | None
    status: str = "CREATED"
    error_code: str | None = None
    completed: datetime | None = None
    lines: list[bytes] = field(default_factory=list)
    file: bytes | None = None
    maker: threading.Thread | None = None
    broken: bool = False

    @property
    def gid(self) -> str:
        return f"gid://shopify/BulkOperation/{self.number}"

    def has_fault(self, name: str) -> bool:
        return self.fault is not None and self.fault.name == name


class BulkOperations:
    """The operations of one app and shop."""

    def __init__(self, records: Records, polls: int) -> None:
        self._records, self._polls = records, polls
        self._operations: dict[str, Operation] = {}
        self.waiting_fault: Fault | None = None  # for the next operation that is started

    def running(self, now: datetime) -> list[Operation]:
        for each in self._operations.values():
            self._advance(each, now)
        return [each for each in self._operations.values() if each.status in _RUNNING]

    def start(self, text: str, grouped: bool, part: Part, roots: Sequence[Record], now: datetime) -> Operation:
        fault, self.waiting_fault = self.waiting_fault, None
        number = _FIRST_ID + len(self._operations)
        operation = Operation(number, text, grouped, part, roots, now, max(self._polls, 1), fault)
        operation.maker = threading.Thread(target=self._make, args=(operation,), name="bulk operation", daemon=True)
        operation.maker.start()
        self._operations[operation.gid] = operation
        return operation

    def poll(self, gid: str, now: datetime) -> Operation | None:
        """The operation after one more question about it."""
        operation = self._operations.get(gid)
        if operation is None:
            return None
        if operation.status in ("CREATED", "RUNNING"):
            operation.status = "RUNNING"
            operation.polls_left -= 1
        elif operation.status == "CANCELING":
            operation.status, operation.completed = "CANCELED", now
        self._advance(operation, now)
        return operation

    def current(self, now: datetime) -> Operation | None:
        newest = next(reversed(self._operations), None)
        return None if newest is None else self.poll(newest, now)

    def cancel(self, gid: str) -> Operation | None:
        operation = self._operations.get(gid)
        if operation is not None and operation.status in ("CREATED", "RUNNING"):
            operation.status = "CANCELING"
        return operation

    def file(self, path: str, now: datetime) -> Answer:
        """The file at this path; gone a week after the operation was done."""
        match = FILE_PATH.fullmatch(path)
        operation = self._operations.get(f"gid://shopify/BulkOperation/{match.group(1)}") if match else None
        if match is None or operation is None or operation.file is None or operation.completed is None:
            return Answer(404, {"errors": "Not Found"})
        if bool(match.group(2)) != (operation.status == "FAILED") or now - operation.completed > _KEPT:
            return Answer(404, {"errors": "Not Found"})
        whole = operation.status == "COMPLETED"
        ids = [record["id"] for record in operation.roots] if whole else []
        return Answer(200, operation.file, content_type="application/jsonl", records=len(ids), ids=ids)

    def _advance(self, operation: Operation, now: datetime) -> None:
        if operation.status not in ("CREATED", "RUNNING") or operation.maker is None:
            return
        if operation.polls_left > 0 and now - operation.created < _BY_ITSELF:
            return
        operation.maker.join(_PATIENCE)
        if operation.maker.is_alive():
            return
        operation.completed, operation.status = now, "COMPLETED"
        lines = operation.lines
        if operation.broken or operation.has_fault("bulk_failed"):
            options = operation.fault.options if operation.fault else {}
            operation.status, operation.error_code = "FAILED", options.get("code", "INTERNAL_SERVER_ERROR")
            lines = lines[: len(lines) // 2]
        operation.file = b"".join(lines) if lines else None
        operation.lines = []

    def _make(self, operation: Operation) -> None:
        try:
            operation.lines = list(_lines(self._records, operation))
            if operation.has_fault("bulk_shuffled"):
                random.Random(operation.number).shuffle(operation.lines)
        except Exception:  # whatever went wrong, the operation has failed, as at Shopify
            operation.broken = True


def as_record(operation: Operation, base_url: str) -> dict[str, Any]:
    """The operation as GraphQL shows it. Its counts are unsigned 64-bit numbers, which are texts there."""
    done = operation.status == "COMPLETED"
    url = f"{base_url}/bulk/{operation.number}" if operation.file is not None else None
    lines = operation.file.count(b"\n") if operation.file is not None else 0
    return {
        "id": operation.gid,
        "status": operation.status,
        "type": "QUERY",
        "errorCode": operation.error_code,
        "createdAt": iso(operation.created),
        "completedAt": iso(operation.completed) if operation.completed else None,
        "objectCount": str(lines),
        "rootObjectCount": str(len(operation.roots) if done else 0),
        "fileSize": str(len(operation.file)) if operation.file is not None else None,
        "url": f"{url}.jsonl" if url and done and not operation.has_fault("bulk_null_url") else None,
        "partialDataUrl": f"{url}-partial.jsonl" if url and operation.status == "FAILED" else None,
        "query": operation.text,
    }


def _lines(records: Records, operation: Operation) -> Iterator[bytes]:
    """The file's lines, in the order described above."""
    parts = operation.part.node_parts
    children_first = operation.has_fault("bulk_children_first")
    size = 1 if operation.grouped else _BLOCK
    for start in range(0, len(operation.roots), size):
        roots: list[bytes] = []
        children: list[bytes] = []
        for root in operation.roots[start : start + size]:
            own, *rest = _tree(records, root, parts, None)
            roots.append(own)
            children += rest
        yield from children + roots if children_first else roots + children


def _tree(records: Records, record: Record, parts: Sequence[Part], parent: str | None) -> list[bytes]:
    """The line of a node, and after it those of the nodes that hang on it."""
    sink: Sink = []
    own = Reading(records, sink).cut(record, parts, record.get("id", ""))
    if parent is not None:
        own["__parentId"] = parent
    lines = [_line(own)]
    for part, nodes, node_id in sink:
        inner = part.node_parts
        for node in nodes:
            lines += _tree(records, node, inner, node_id)
    return lines


def _line(record: dict[str, Any]) -> bytes:
    """One line; slashes are escaped, as Shopify does."""
    return _ENCODER.encode(record).replace("/", "\\/").encode() + b"\n"
