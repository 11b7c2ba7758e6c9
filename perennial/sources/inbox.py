"""The inbox: signed deliveries on disk, in segments that the receiver appends to and the night takes.

What lives here: appending a line durably, closing segments while another process writes, forgetting what was landed.
What does not: HTTP and signatures (inbound.py), what a line means.

<inbox>/<source>/<UTC date>T<hour>-<n>.jsonl is being written, <inbox>/<source>/closed/ is what the night may take. A
line that was acknowledged is whole and on disk. A receiver that dies leaves at most one line that was not: closing its
segment sets half a line aside under torn/ and says so. A lock per source, held for every line and for closing, makes a
closed segment one that nobody writes any more, whatever process the receiver runs in.
"""

from __future__ import annotations

import fcntl
import logging
import os
import re
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from perennial.config.files import PRIVATE_FILE, make_folder, sync_file, sync_folder, write_atomically
from perennial.config.home import Home

LOG = logging.getLogger(__name__)
LARGEST_SEGMENT = 64 * 1024 * 1024
LONGEST_LINE = 2 * 1024 * 1024
LINE_BEGINS, LINE_ENDS = b'{"received_at": ', b"}\n"
CLOSED, TORN, LOCK = "closed", "torn", ".lock"
_SEGMENT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}-(\d+)\.jsonl")


def inbox_of(home: Home) -> Path:
    """Where an installation keeps what its receiver took."""
    return home.root / "inbox"


def nowhere(place: str) -> None:
    """The default failpoint: none."""


class Inbox:
    """Appends lines to the segment that this process writes for one source."""

    def __init__(self, folder: Path, failpoint: Callable[[str], None] = nowhere) -> None:
        self._folder, self._failpoint = folder, failpoint
        self._guard = threading.Lock()
        self._descriptor: int | None = None
        self._path = folder
        self._hour, self._size = "", 0
        self._is_first = True

    def append(self, line: bytes, at: datetime) -> None:
        """Put one line, ending with a line break, on disk. Raises OSError where it is not."""
        with self._guard, _locked(self._folder) as lock:
            descriptor = self._ready(at.astimezone(UTC).strftime("%Y-%m-%dT%H"), lock)
            try:
                self._failpoint("inbound_ready")
                _write(descriptor, line[: len(line) // 2])
                self._failpoint("inbound_half")
                _write(descriptor, line[len(line) // 2 :])
                self._failpoint("inbound_written")
                os.fsync(descriptor)
            except OSError:
                self._give_up(descriptor)
                raise
            self._size += len(line)
            self._failpoint("inbound_synced")

    def close(self) -> None:
        with self._guard:
            self._let_go()

    def _ready(self, hour: str, lock: int) -> int:
        """The segment to write to: the one at hand, unless its hour is over, it is full, or it was closed meanwhile."""
        if self._descriptor is not None and hour == self._hour and self._size < LARGEST_SEGMENT and self._is_open():
            return self._descriptor
        self._let_go()
        name = _fresh_name(self._folder, hour, lock)
        self._path = self._folder / name
        self._descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, PRIVATE_FILE)
        self._hour, self._size = hour, 0
        sync_folder(self._folder)
        if self._is_first:
            for folder in self._folder.parents[:2]:  # any of them may have been made just now
                sync_folder(folder)
            self._is_first = False
        return self._descriptor

    def _is_open(self) -> bool:
        return self._path.exists()  # numbers come once: a file of this name is the one at hand

    def _give_up(self, descriptor: int) -> None:
        """Take back what was written of a line, and write to this segment no more."""
        with suppress(OSError):
            os.ftruncate(descriptor, self._size)
            os.fsync(descriptor)
        self._let_go()

    def _let_go(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def closed_segments(inbox: Path, source_name: str) -> list[Path]:
    """Close what is being written and return every closed segment, in the order they were begun.

    Whatever was acknowledged before the call is in them, each line whole. They stay until they are forgotten.
    """
    folder = inbox / source_name
    if not folder.is_dir():
        return []
    closed = make_folder(folder / CLOSED)
    with _locked(folder):
        for each in _segments(folder):
            os.replace(each, closed / each.name)
        sync_folder(closed)
        sync_folder(folder)
    for each in _segments(closed):
        _mend(each, folder / TORN / each.name)
    return _segments(closed)


def forget(segments: Iterable[Path]) -> None:
    """Remove closed segments whose lines were durably landed. Those that are gone already are passed over."""
    chosen = list(segments)
    for each in chosen:
        if each.parent.name != CLOSED:
            raise ValueError(f"{each.name} is not closed; only what closed_segments() handed out can be forgotten")
    for each in chosen:
        each.unlink(missing_ok=True)
    for folder in {each.parent for each in chosen if each.parent.exists()}:
        sync_folder(folder)


def _mend(segment: Path, aside: Path) -> None:
    """Set a torn last line aside; a segment with no other line goes away."""
    size = segment.stat().st_size
    with segment.open("rb") as handle:
        handle.seek(max(0, size - LONGEST_LINE))
        tail = handle.read()
    whole = tail.rfind(b"\n") + 1
    if whole == len(tail) > 0:
        last = tail[tail.rfind(b"\n", 0, whole - 1) + 1 :]
        if b"\0" in last or not (last.startswith(LINE_BEGINS) and last.endswith(LINE_ENDS)):
            whole -= len(last)  # a power cut leaves nothing in place of blocks that were not on disk yet
    torn = tail[whole:]
    if torn:
        write_atomically(aside, torn)
        os.truncate(segment, size - len(torn))
        sync_file(segment)
        said = "%s: %d bytes of a delivery that was never acknowledged were set aside under %s/"
        LOG.warning(said, segment.name, len(torn), TORN)
    if size == len(torn):
        segment.unlink()
        sync_folder(segment.parent)


def _segments(folder: Path) -> list[Path]:
    """A folder's segments in the order they were begun."""
    if not folder.is_dir():
        return []
    return sorted((each for each in folder.iterdir() if _SEGMENT.fullmatch(each.name)), key=_number)


def _number(segment: Path) -> int:
    found = _SEGMENT.fullmatch(segment.name)
    return int(found.group(1)) if found else 0


def _fresh_name(folder: Path, hour: str, lock: int) -> str:
    """A name that no segment has or had. The lock's file keeps the last number; where it is lost, names tell it."""
    kept = os.pread(lock, 20, 0)
    held = [] if kept.isdigit() else [*_segments(folder), *_segments(folder / CLOSED)]
    number = 1 + (int(kept) if kept.isdigit() else max(map(_number, held), default=0))
    while (folder / f"{hour}-{number}.jsonl").exists() or (folder / CLOSED / f"{hour}-{number}.jsonl").exists():
        number += 1
    os.pwrite(lock, f"{number:020d}".encode(), 0)
    return f"{hour}-{number}.jsonl"


@contextmanager
def _locked(folder: Path) -> Iterator[int]:
    """Keep every other process from writing or closing this source's segments. A dead process holds no lock."""
    make_folder(folder)
    descriptor = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, PRIVATE_FILE)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield descriptor
    finally:
        os.close(descriptor)


def _write(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]
