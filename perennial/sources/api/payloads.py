"""Payload files: what arrived, whole and as it came, as compressed JSON lines.

What lives here: writing them so that a kill loses only what was not noted down, and reading them with DuckDB under an
explicit schema. What does not: what is asked for (extraction.py), landing (perennial/landing).
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa

from perennial.config.files import PRIVATE_FILE
from perennial.sources.base import Form, Schema
from perennial.warehouse.duck import name, path_list, quote

SUFFIX = ".jsonl.zst"
PAYLOAD_FILE = "_payload_file"
SHORTEST_ROOM = 16 * 1024 * 1024  # DuckDB's own room for a line; it takes several times that per thread
_PORTION = 1024 * 1024
_longest_known: dict[tuple[int, int, int], int] = {}  # of files that this process wrote itself


class Part:
    """A payload file being written; it counts once close() has forced it to disk."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.size = 0
        self._longest = 0
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, PRIVATE_FILE))
        self._stream = pa.CompressedOutputStream(pa.OSFile(str(path), "wb"), "zstd")

    def write(self, lines: bytes) -> None:
        """Whole lines."""
        self._stream.write(lines)
        self.size += len(lines)
        if len(lines) > SHORTEST_ROOM:
            self._longest = max(self._longest, *(len(each) + 1 for each in lines.split(b"\n")))

    def close(self) -> None:
        self._stream.close()
        descriptor = os.open(self.path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
            _longest_known[_stamp(self.path)] = self._longest
        finally:
            os.close(descriptor)


def line(page: bytes, context: Mapping[str, Any] | None = None) -> bytes:
    """One page's body as one payload line, with what has to be known beside it. Line breaks between its tokens go."""
    body = page.replace(b"\r", b" ").replace(b"\n", b" ")
    noted = b'"context":' + orjson.dumps(context) + b"," if context else b""
    return b"{" + noted + b'"page":' + body + b"}\n"


def items_select(form: Form, files: Sequence[Path], *, with_file: bool = False) -> str:
    """A relation with `item` (and `context`, and the file's path): one row per item of these payload files."""
    # told that lines are records, DuckDB does not parse the first 20,000 of them beforehand to find out
    source = f"read_json({path_list(list(files))}, format = 'newline_delimited', records = true, compression = 'zstd'"
    if form.items is not None:  # a line is a whole page
        source += f", maximum_object_size = {max(SHORTEST_ROOM, *(_longest_line(path) for path in files))}"
    source += f", filename = {quote(PAYLOAD_FILE)}" if with_file else ""
    if form.items is None:
        return f"{source}, columns = {_columns(form.item)}) as item"
    schema: dict[str, Any] = {"page": _wrapped(form.items, form.item)}
    if form.context:
        schema["context"] = dict.fromkeys(form.context, "text")
    listing, inner = _unnesting("page", form.items)
    noted = (", context" if form.context else "") + (f", {PAYLOAD_FILE}" if with_file else "")
    return f"(select unnest({listing}){inner} as item{noted} from {source}, columns = {_columns(schema)})) as items"


def _longest_line(path: Path) -> int:
    """Bytes of the longest line of a payload file, or less than SHORTEST_ROOM where that has room for all of them. Room
    for the longest possible one would not fit into memory."""
    known = _longest_known.get(_stamp(path))
    if known is not None:
        return known
    longest = begun = 0
    with pa.OSFile(str(path)) as packed, pa.CompressedInputStream(packed, "zstd") as stream:
        while portion := stream.read(_PORTION):
            first, *others = portion.split(b"\n")
            longest = max(longest, begun + len(first) + 1, *(len(each) + 1 for each in others))
            begun = len(others[-1]) if others else begun + len(first)
    return longest


def _stamp(path: Path) -> tuple[int, int, int]:
    """What tells a file from any that had its name before."""
    found = path.stat()
    return found.st_ino, found.st_size, found.st_mtime_ns


def duck_type(schema: Any) -> str:
    """A schema's DuckDB type. Every leaf is text: what a number or time is read as is landing's to say."""
    if isinstance(schema, str):
        return "JSON" if schema.rstrip("?") == "any" else "VARCHAR"
    if isinstance(schema, list):
        return f"{duck_type(schema[0])}[]"
    return "STRUCT(" + ", ".join(f"{name(key)} {duck_type(value)}" for key, value in schema.items()) + ")"


def _columns(schema: Schema) -> str:
    return "{" + ", ".join(f"{quote(key)}: {quote(duck_type(value))}" for key, value in schema.items()) + "}"


def _wrapped(path: str, item: Schema) -> Any:
    """The schema of a whole page whose items lie at `path`."""
    if not path:
        return item
    head, _, rest = path.partition(".")
    inner = _wrapped(rest, item)
    if head.endswith("[]"):
        inner = [inner]
        head = head[:-2]
    return {head: inner} if head else inner


def _unnesting(root: str, path: str) -> tuple[str, str]:
    """`page.data.orders.edges` and `.node` for `data.orders.edges[].node`."""
    before, _, after = path.partition("[]")
    listing = f"{root}.{'.'.join(name(part) for part in before.split('.'))}" if before else root
    inner = "".join(f".{name(part)}" for part in after.split(".") if part)
    return listing, inner
