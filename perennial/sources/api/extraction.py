"""What has been fetched of a source and not landed yet: it survives a kill, and the next run goes on from there.

What lives here: the folder of one extraction, its plan, each stream's progress, fetching a stream into payload files.
What does not: HTTP (the adapters), turning payloads into rows (typed.py), the state a source reached (the manifests of
its loads: it moves with the commit and never before).
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from perennial.config.failpoints import Failpoints
from perennial.config.files import make_folder, sync_folder, write_atomically
from perennial.config.home import Home
from perennial.sources.api.payloads import SUFFIX, Part
from perennial.sources.api.shape import Shape
from perennial.sources.base import CursorRefused, SourceFailed, SourceUnavailable, Stream, Window

T = TypeVar("T")

FLUSH_BYTES = 32 * 1024 * 1024
FLUSH_SECONDS = 10.0


@dataclass
class Progress:
    """How far one stream was fetched. `cursor` is where the next page begins."""

    since: str | None
    until: str | None
    mode: str
    cursor: Any = None
    is_done: bool = False
    received: int = 0
    walks: int = 0  # whole walks begun: a second one where the first came short
    parts: list[dict[str, str]] = field(default_factory=list)  # form, file; in the order of arrival
    shapes: dict[str, Any] = field(default_factory=dict)  # form → what its payload looked like
    total: int | None = None  # how many items the vendor said the window holds, asked before reading
    began_at: str | None = None  # by the clock of the run that began it

    @property
    def window(self) -> Window:
        return Window(_moment(self.since), _moment(self.until), self.mode)  # type: ignore[arg-type]


class Extraction:
    """One extraction of one source. `base` is the load it goes on from: another base makes it worthless."""

    def __init__(self, home: Home, source_name: str, name: str, base: Mapping[str, Any], failpoint: Failpoints) -> None:
        self.folder = home.incoming / f"_{name}.{source_name}"
        self.shapes: dict[str, dict[str, Shape]] = {}
        self._failpoint = failpoint
        self._base = json.loads(json.dumps(base))
        self.is_resumed = self._is_ours()
        if not self.is_resumed:
            shutil.rmtree(self.folder, ignore_errors=True)
            make_folder(self.folder)
            write_atomically(self.folder / "plan.json", json.dumps(self._base) + "\n")

    def _is_ours(self) -> bool:
        try:
            return bool(json.loads((self.folder / "plan.json").read_text(encoding="utf-8")) == self._base)
        except (OSError, ValueError):
            return False

    def progress(self, stream: str) -> Progress | None:
        """What was noted of a stream; none where nothing was."""
        try:
            return Progress(**json.loads((self.folder / f"{stream}.json").read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return None

    def fetch(self, stream: Stream, window: Window, total: int | None = None, now: datetime | None = None) -> Progress:
        """Fetch what is missing of a stream. A window noted by an earlier run is kept, with what was asked about it."""
        progress = self.progress(stream.name) or Progress(
            _text(window.since), _text(window.until), window.mode, total=total, began_at=_text(now)
        )
        self.shapes[stream.name] = {form: Shape.of(noted) for form, noted in progress.shapes.items()}
        if progress.is_done:
            return progress
        try:
            return self._walk(stream, progress)
        except CursorRefused:
            if not progress.walks:  # a walk that begins anew brings everything that this one brought
                progress.parts.clear()
                self._note(stream.name, replace(progress, cursor=None), {})
            return self.again(stream, progress)

    def again(self, stream: Stream, progress: Progress) -> Progress:
        """Fetch a stream's window once more, beside what is there: what comes twice is settled when it lands."""
        fresh = Progress(
            progress.since, progress.until, progress.mode, received=progress.received, walks=progress.walks + 1,
            parts=progress.parts, total=progress.total, began_at=progress.began_at,
        )  # fmt: skip
        try:
            return self._walk(stream, fresh)
        except CursorRefused:
            raise SourceUnavailable(f"{stream.name}: the vendor refuses the places it names itself") from None

    def _walk(self, stream: Stream, progress: Progress) -> Progress:
        shapes = self.shapes.setdefault(stream.name, {})
        open_parts: dict[str, Part] = {}
        flushed_at = time.monotonic()
        try:
            for page in understood_each(stream.read(progress.window, progress.cursor)):
                for form, lines in page.lines.items():
                    if form not in open_parts:
                        open_parts[form] = Part(self._part_file(stream.name, form, progress, len(open_parts)))
                    open_parts[form].write(lines)
                for form, items in page.items.items():
                    shapes.setdefault(form, Shape()).observe(items)
                progress.received += page.count
                progress.cursor = page.next
                is_last = progress.is_done = page.next is None
                size = sum(part.size for part in open_parts.values())
                if (
                    is_last
                    or page.is_milestone
                    or size >= FLUSH_BYTES
                    or time.monotonic() - flushed_at >= FLUSH_SECONDS
                ):
                    self._note(stream.name, progress, open_parts)
                    flushed_at = time.monotonic()
                self._failpoint("page_fetched")
                if is_last:
                    break
        except BaseException:
            for part in open_parts.values():
                part.close()
                part.path.unlink(missing_ok=True)
            raise
        progress.is_done = True  # it may also end without a page that says so
        self._note(stream.name, progress, open_parts)
        return progress

    def _part_file(self, stream: str, form: str, progress: Progress, position: int) -> Path:
        return self.folder / f"{stream}.{form}-{progress.walks:02d}{len(progress.parts) + position + 1:06d}{SUFFIX}"

    def _note(self, stream: str, progress: Progress, parts: dict[str, Part]) -> None:
        """Make the parts durable, then say so: from then on they are nobody's to take away. What lies here without
        being noted is written over."""
        for form, part in parts.items():
            part.close()
            progress.parts.append({"form": form, "file": part.path.name})
        progress.shapes = {form: shape.noted() for form, shape in self.shapes.get(stream, {}).items()}
        sync_folder(self.folder)
        write_atomically(self.folder / f"{stream}.json", json.dumps(asdict(progress)) + "\n")
        parts.clear()
        self._failpoint("pages_noted")

    def files(self, progress: Progress, form: str, start: int = 0) -> list[Path]:
        """The payload files of one form, from a part on, in the order of arrival."""
        return [self.folder / part["file"] for part in progress.parts[start:] if part["form"] == form]

    def forget(self) -> None:
        """After the load was committed, or where it must begin anew."""
        shutil.rmtree(self.folder, ignore_errors=True)


def understood_each(pieces: Iterable[T]) -> Iterator[T]:
    """What an adapter yields, where it can make sense of the vendor's answers."""
    source = iter(pieces)
    while True:
        piece = understood(lambda: next(source, None))
        if piece is None:
            return
        yield piece


def understood(ask: Callable[[], T]) -> T:
    """What an adapter finds. An answer built otherwise than expected is the source's failure, told without its text."""
    try:
        return ask()
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise SourceFailed(
            f"an answer is not built as expected ({type(error).__name__}); check `api_version` and `base_url`"
        ) from None


def _text(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment is not None else None


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text is not None else None
