"""The careful CSV reader: record by record, with a reason for every record that cannot be read.

What lives here: bytes → records or reasons, in bounded memory. What does not: types (landing), the fast reader
(files.py). It is used only where the fast reader objected. A record that does not close its quote is refused alone:
reading goes on at the next line.
"""

from __future__ import annotations

import codecs
import csv
import gzip
import re
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, NamedTuple, cast

LONGEST_RECORD = 1_000_000  # bytes
LONGEST_SPAN = 1_000  # lines one quoted value may run over
TOGETHER_LINES, TOGETHER_BYTES = 2_000, 4_000_000
DELIMITERS = (",", ";", "\t", "|")
_QUOTE_AFTER_BLANK = re.compile(r"[,;\t|] +\"")
# One value and the comma behind it: quoted, or without a quote at its beginning.
_WELL_FORMED = r' *"([^"]*(?:""[^"]*)*)" *,|((?! *")[^,]*),'
_UNREADABLE = "\ufffd"
_UTF16 = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}

csv.field_size_limit(LONGEST_RECORD * 2)


@dataclass(frozen=True)
class Header:
    """The first line of a CSV file: what its columns are called, and how its lines are made."""

    columns: tuple[str, ...]
    delimiter: str
    encoding: str


class Record(NamedTuple):
    """One data record. With a reason it is refused: `text` is what stood there, the values what could be told."""

    values: Sequence[str | None]
    size: int  # bytes, about
    reason: str | None = None
    text: str | None = None


def read_header(path: Path) -> Header | None:
    """The header, or none for a file without a line. Raises UnicodeDecodeError or csv.Error where it cannot be read."""
    with _open(path) as handle:
        encoding = _encoding(handle)
        raw = _Lines(handle, encoding).next_line()
    if raw is None:
        return None
    text = raw.decode(encoding).rstrip("\r\n")
    delimiter = _sniff(text)
    columns = next(csv.reader([text], delimiter=delimiter, strict=True), [])
    return Header(tuple(columns), delimiter, encoding)


def read_records(path: Path, header: Header) -> Iterator[Record]:
    """Every data record of the file, in order. Blank lines are no records."""
    with _open(path) as handle:
        _encoding(handle)
        lines = _Lines(handle, header.encoding)
        lines.next_line()
        while (taken := _take(lines)) is not None:
            records = _parse_together(taken, header)
            if records is None:
                lines.give_back(taken)
                records = list(_parse_apart(lines, len(taken), header))
            yield from records


def _take(lines: _Lines) -> list[bytes] | None:
    """The next lines, as many as are parsed together; none at the end of the file. A line cut short comes alone."""
    taken: list[bytes] = []
    size = 0
    while len(taken) < TOGETHER_LINES and size < TOGETHER_BYTES:
        line = lines.next_line()
        if line is None:
            break
        taken.append(line)
        size += len(line)
        if lines.was_cut:
            break
    return taken or None


def _parse_together(taken: list[bytes], header: Header) -> list[Record] | None:
    """Many lines at once, for speed; none where anything at all is odd about any of them."""
    width = len(header.columns)
    if len(taken[-1]) > LONGEST_RECORD:
        return None
    try:
        texts = [line.decode(header.encoding) for line in taken]
        if any("\0" in text or _QUOTE_AFTER_BLANK.search(text) is not None for text in texts):
            return None
        rows = list(csv.reader(texts, delimiter=header.delimiter, strict=True))
    except (UnicodeDecodeError, csv.Error):
        return None
    size = sum(map(len, taken)) // max(1, len(rows))
    records = []
    for values in rows:
        if len(values) != width:
            if not values and width > 1:
                continue
            return None
        records.append(Record(values, size))
    return records


def _parse_apart(lines: _Lines, count: int, header: Header) -> Iterator[Record]:
    """Record by record, at least `count` lines of the file."""
    width = len(header.columns)
    until = lines.number + count
    while lines.number < until and (raw := lines.next_line()) is not None:
        if raw.strip(b"\r\n\0") or width == 1:
            yield _record(raw, lines, header, width)


def _record(raw: bytes, lines: _Lines, header: Header, width: int) -> Record:
    if lines.was_cut:
        shown = _shown(raw[:1000], header.encoding)
        told = _told_apart(raw, header, is_cut=True)
        return Record(told, len(raw), f"is longer than {LONGEST_RECORD} bytes; shorten it", shown)
    values, problem = _parse(raw, header, width)
    if problem is _OPEN:
        values, problem = _parse_over_lines(raw, lines, header, width)
    if problem is not None:
        return Record(values[:width] or _told_apart(raw, header), len(raw), problem, _shown(raw, header.encoding))
    return Record(values, len(raw))


def _told_apart(raw: bytes, header: Header, *, is_cut: bool = False) -> list[str | None]:
    """What a refused line still says: the values before its fault, and those behind it where their number fits.

    A value that could not be read is null. Of a line that was cut, only whole values before the fault count.
    """
    text = raw.decode(header.encoding, "replace").replace("\0", _UNREADABLE).rstrip("\r\n")
    text = text.rpartition(header.delimiter)[0] if is_cut else text
    text += header.delimiter
    well_formed = re.compile(_WELL_FORMED.replace(",", re.escape(header.delimiter)))
    values: list[str | None] = []
    at, width = 0, len(header.columns)
    while len(values) < width and (found := well_formed.match(text, at)) is not None:
        values.append(found[2] if found[1] is None else found[1].replace('""', '"'))
        at = found.end()
    behind = text[at:].split(header.delimiter)[:-1]
    if not is_cut and len(values) + len(behind) == width:
        values += [None if '"' in each else each for each in behind]
    return [None if each is None or _UNREADABLE in each else each for each in values]


_OPEN = "does not close its quote; write a quote inside a value twice"


def _parse_over_lines(raw: bytes, lines: _Lines, header: Header, width: int) -> tuple[list[str], str | None]:
    """A quoted value may hold line breaks: take in lines until the record is well formed, else give them all back."""
    taken: list[bytes] = []
    whole = raw
    quote = '"'.encode(header.encoding)
    while len(taken) < LONGEST_SPAN and len(whole) < LONGEST_RECORD:
        following = lines.next_line()
        if following is None:
            break
        taken.append(following)
        if lines.was_cut:
            break
        whole += following
        if quote in following:
            values, problem = _parse(whole, header, width)
            if problem is None:
                return values, None
            if problem is not _OPEN:
                break
    lines.give_back(taken)
    return [], _OPEN


def _parse(raw: bytes, header: Header, width: int) -> tuple[list[str], str | None]:
    try:
        text = raw.decode(header.encoding)
    except UnicodeDecodeError as error:
        return [], f"is not {header.encoding.upper()} (byte {error.start + 1} of the line); save the file as UTF-8"
    if "\0" in text:
        return [], "holds a NUL character; remove it"
    text = text.rstrip("\r\n")
    spaced = _QUOTE_AFTER_BLANK.search(text) is not None or text.lstrip(" ").startswith('"')
    try:
        rows = list(csv.reader([text], delimiter=header.delimiter, strict=True, skipinitialspace=spaced))
    except csv.Error as error:
        if "unexpected end" in str(error):
            return [], _OPEN
        if "expected after" in str(error):
            return [], "has text after a closing quote; write a quote inside a value twice"
        return [], "holds a carriage return outside quotes; quote the value"
    values = rows[0] if rows else [""]
    if len(values) == width + 1 and values[-1] == "":
        values.pop()  # a delimiter at the end of the line
    if len(values) != width:
        wanted = f"has {len(values)} values where the header has {width}"
        return values, f"{wanted}; quote values that hold {header.delimiter!r}"
    return values, None


class _Lines:
    """Lines of a file, each bounded in length, with a way to give lines back."""

    def __init__(self, handle: BinaryIO, encoding: str) -> None:
        self._handle = handle
        self._end = "\n".encode(encoding)
        self._given_back: deque[tuple[bytes, bool]] = deque()
        self._rest = b""
        self.was_cut = False  # the line returned last was longer than allowed; the rest of it was passed over
        self.number = 0  # of lines returned and not given back

    def next_line(self) -> bytes | None:
        self.number += 1
        if self._given_back:
            line, self.was_cut = self._given_back.popleft()
            return line
        line = self._read_line(LONGEST_RECORD + 1)
        self.was_cut = len(line) > LONGEST_RECORD and not line.endswith(self._end)
        if self.was_cut:
            while (more := self._read_line(LONGEST_RECORD)) and not more.endswith(self._end):
                pass
        return line or None

    def give_back(self, lines: list[bytes]) -> None:
        last = len(lines) - 1
        self.number -= len(lines)
        self._given_back.extendleft(
            (line, self.was_cut and at == last) for at, line in reversed(list(enumerate(lines)))
        )
        self.was_cut = False

    def _read_line(self, limit: int) -> bytes:
        if len(self._end) == 1:
            return self._handle.readline(limit)
        return self._read_wide_line(limit)

    def _read_wide_line(self, limit: int) -> bytes:
        """A line of two-byte characters: its end must lie on an even byte."""
        found, start = -1, 0
        while True:
            found = self._rest.find(self._end, start)
            if found >= 0 and found % 2 == 0:
                break
            if found >= 0:
                start = found + 1
                continue
            more = self._handle.read(65536)
            start = max(0, len(self._rest) - 1)
            self._rest += more
            if not more or len(self._rest) >= limit:
                found = min(len(self._rest), limit - limit % 2) - 2
                break
        line, self._rest = self._rest[: found + 2], self._rest[found + 2 :]
        return line


def _open(path: Path) -> BinaryIO:
    return cast(BinaryIO, gzip.open(path, "rb") if path.name.lower().endswith(".gz") else path.open("rb"))


def _encoding(handle: BinaryIO) -> str:
    """The encoding the file's first bytes announce; leaves the handle behind them."""
    start = handle.read(3)
    if start == codecs.BOM_UTF8:
        return "utf-8"
    if start[:2] in _UTF16:
        handle.seek(2)
        return _UTF16[start[:2]]
    handle.seek(0)
    return "utf-8"


def _sniff(line: str) -> str:
    """The delimiter that stands most often in the header, outside quotes."""
    bare = re.sub(r'"(?:[^"]|"")*"', "", line)
    return max(DELIMITERS, key=bare.count)


def _shown(raw: bytes, encoding: str) -> str:
    return raw.decode(encoding, "backslashreplace").rstrip("\r\n")[:100_000]
